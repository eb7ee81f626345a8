"""The backbones under SFNet, SFNet-Lite and their baseline, as SFSegNets builds them.

Source: lxtGH/SFSegNets, commit ba475ba (MIT by its README).
"""

from functools import partial

from roadseg.backbones.df import SKIPS, Skips, df
from roadseg.backbones.resnet import NESTED_STEM, resnet
from roadseg.backbones.stdc import stdc
from roadseg.layers.convolution import Tensor, normal_fan_out


def dilated_resnet(depth: int, x: Tensor) -> list[Tensor]:
    """Return the maps at 1/4, 1/8, 1/16 and 1/32 of a ResNet with a deep stem.

    depth: 18, 50 or 101. The last two stages are dilated by 2 and 4 although they keep their
    strides. Layers: `layer0.0.0` .. of the stem, then torchvision's names, all without a prefix.
    """
    dilations = (1, 1, 2, 4)
    stages = resnet(x, depth, stem=NESTED_STEM, dilations=dilations, initializer=normal_fan_out())
    return [stage.features for stage in stages]


def dfnet(version: int, x: Tensor, skips: Skips = "code") -> list[Tensor]:
    """Return three maps of a DFNet: at 1/8, 1/16 and 1/32; version 1 "code": 1/16, 1/32, 1/32.

    Raises ValueError for another word in `skips`.
    """
    if skips not in SKIPS:
        raise ValueError(f"skips={skips!r}; there are {', '.join(SKIPS)}")
    maps = df(x, version)
    return [maps[name] for name in SKIPS[skips][version]]


BACKBONES = {
    "resnet18": partial(dilated_resnet, 18),
    "resnet50": partial(dilated_resnet, 50),
    "resnet101": partial(dilated_resnet, 101),
    "dfnet_v1": partial(dfnet, 1),
    "dfnet_v2": partial(dfnet, 2),
    "stdc1": partial(stdc, version=1),
    "stdc2": partial(stdc, version=2),
}
"""What gives the maps of normalised images (batch, height, width, 3), fine to coarse."""
