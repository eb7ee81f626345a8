"""FPN on STDC: SFNet without its flow, the baseline that SFSegNets compares it with.

Source: lxtGH/SFSegNets, commit ba475ba (MIT by its README), which builds it on STDC alone.
Changed: a list of outputs became a dict, of logits that all come at input size.
"""

from functools import partial

import keras

from roadseg.layers.convolution import Tensor
from roadseg.layers.feature_pyramid import feature_pyramid_head
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.resize import ResizeLike
from roadseg.models.sfnet import WIDTHS
from roadseg.models.sfnet_backbones import BACKBONES


def fpn(
    backbone: str,
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    backbone: "stdc1" or "stdc2". Everything is as in `sfnet.sfnet`, but coarse maps are enlarged
    bilinearly with aligned corners before they are added to finer ones.
    """
    images, x = image_input(input_shape, 1, normalisation, include_preprocessing)
    heads = feature_pyramid_head(
        BACKBONES[backbone](x), WIDTHS[backbone], num_classes, _enlarged, auxiliary_heads
    )
    return segmentation_model(images, heads, f"fpn_{backbone}", upsampled_in_original=True)


def _enlarged(fine: Tensor, coarse: Tensor, name: str) -> Tensor:
    return ResizeLike(name=f"{name}.up")([coarse, fine])


fpn_stdc1 = partial(fpn, "stdc1")
fpn_stdc2 = partial(fpn, "stdc2")
