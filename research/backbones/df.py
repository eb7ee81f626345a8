"""DFNet, versions 1 and 2: residual backbones found by pruning a search by latency.

Paper: Li et al. 2019, "Partial Order Pruning" (arXiv:1903.03777).
Source: lxtGH/Fast_Seg, commit 7895738 (Apache 2.0), after lixincn2015/Partial-Order-Pruning.
Changed: the classifier (`fc`) is left out, since no feature depends on it.
"""

from typing import Literal, NamedTuple

import keras

from roadseg.backbones.resnet import basic_block
from roadseg.layers.conv_bn import BatchNorm
from roadseg.layers.convolution import TORCH_NORM, Tensor, conv_norm


class Stage(NamedTuple):
    """Basic blocks of one width, the first with the stride."""

    name: str
    blocks: int
    filters: int
    strides: int


STAGES: dict[int, tuple[Stage, ...]] = {
    1: (
        Stage("stage2", 3, 64, 2),
        Stage("stage3", 3, 128, 2),
        Stage("stage4", 3, 256, 2),
        Stage("stage5", 1, 512, 1),
    ),
    2: (
        Stage("stage2_1", 2, 64, 2),
        Stage("stage2_2", 1, 128, 1),
        Stage("stage3_1", 10, 128, 2),
        Stage("stage3_2", 1, 256, 1),
        Stage("stage4_1", 4, 256, 2),
        Stage("stage4_2", 2, 512, 1),
    ),
}
FEATURES = {1: ("stage3", "stage4", "stage5"), 2: ("stage2_2", "stage3_2", "stage4_2")}
"""The stages that Fast_Seg and SFSegNets decode, fine to coarse: version 1's one too deep
(1/16, 1/32, 1/32), version 2's at 1/8, 1/16 and 1/32."""
AUTHORS_FEATURES = {1: ("stage2", "stage3", "stage5"), 2: FEATURES[2]}
"""The stages at 1/8, 1/16 and 1/32 that DFNet's authors decode."""
Skips = Literal["code", "authors"]
SKIPS = {"code": FEATURES, "authors": AUTHORS_FEATURES}


def df(
    x: Tensor,
    version: int,
    prefix: str = "backbone.",
    norm: BatchNorm = TORCH_NORM,
    initializer: keras.initializers.Initializer | None = None,
) -> dict[str, Tensor]:
    """Return what each stage ends in, after its ReLU, by the stage's name in `STAGES[version]`.

    x: (batch, height, width, 3), any size; each of five strides of 2 rounds a side up.
    version: 1 or 2. prefix: of every layer's name; then the published one (`stage1.0`).
    initializer: of kernels; None for PyTorch's default.
    Raises ValueError for another version.
    """
    if version not in STAGES:
        raise ValueError(f"version={version!r}; DFNet has {', '.join(map(str, STAGES))}")
    for filters, first in ((32, 0), (64, 3)):
        names = (f"{prefix}stage1.{first}", f"{prefix}stage1.{first + 1}")
        x = conv_norm(x, filters, 3, names, strides=2, norm=norm, initializer=initializer)
    maps = {}
    for stage in STAGES[version]:
        for unit in range(stage.blocks):
            name = f"{prefix}{stage.name}.{unit}"
            strides = stage.strides if unit == 0 else 1
            block = basic_block(x, stage.filters, name, strides, norm=norm, initializer=initializer)
            x = block.features
        maps[stage.name] = x
    return maps
