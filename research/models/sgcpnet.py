"""SGCPNet: a light backbone to 1/32, then context carried up and down between five scales.

Paper: Hao et al. 2022, IEEE TNNLS 36(3) (arXiv:2005.11034, there also as BCPNet).
Source: zhouyuan888888/SGCPNet, commit ead5adf, which bears no licence: only what it does was
described, nothing is copied.
Changed: logits come at input size.
"""

import keras

from roadseg.backbones.mobilenet_v3_modified import mobilenet_v3_modified
from roadseg.layers.bidirectional_fusion import both_ways, top_down
from roadseg.layers.convolution import conv
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input

LATERAL_WIDTHS = (40, 112, 320)
"""Channels of 1/8, 1/16 and 1/32 before the fusion: those of EfficientDet-D0."""


def sgcpnet(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Any size. Images are RGB, 0..255; without `include_preprocessing` already normalised. Logits are
    unnormalised, float32, at input size; they are decided at 1/8 (layer `classifier`) and enlarged
    bilinearly with half-pixel centres, as the original does in its loss.
    Training needs two images in a batch: squeeze-excite normalises one value an image.
    """
    images, x = image_input(input_shape, 1, normalisation, include_preprocessing)
    maps = [
        conv(x, width, 1, f"conv{level}", use_bias=True)
        for level, (x, width) in enumerate(
            zip(mobilenet_v3_modified(x), LATERAL_WIDTHS, strict=True), start=3
        )
    ]
    fused = both_ways(maps, "sgcp.td_bu.unit.0")
    finest = top_down(fused, "sgcp.td")[0]
    logits = conv(finest, num_classes, 1, "classifier", use_bias=True)
    return segmentation_model(images, {"logits": logits}, "sgcpnet", "half_pixel")
