"""MobileNetV3 with a light ASPP head: the network of one view, and the backbone of both.

Paper: Howard et al. 2019 (arXiv:1905.02244); Xiang et al. 2019 (arXiv:1909.07038) for its use.
Source: zhenzhenxiang/SemanticsSharing, commit 9fc1fde, after Tramac/Lightweight-Segmentation; for
research alone: only what it computes was described, nothing is copied.
Changed: the classifier of ImageNet, which is never run, is left out.
"""

import keras

from roadseg.backbones.mobilenet_v3 import Variant, coarse_stages, fine_stages
from roadseg.layers.convolution import Tensor
from roadseg.layers.heads import segmentation_model
from roadseg.layers.light_aspp import Pooling, light_aspp
from roadseg.layers.normalisation import Normalisation, image_input


def mobilenet_v3_large(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    pooling: Pooling = "windows",
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Sides of 769 or more, better of 1024. Images are RGB, 0..255; without `include_preprocessing`
    already normalised. Logits are unnormalised, float32, at input size; they are decided at 1/16
    (layer `head.project`) and enlarged bilinearly with aligned corners.
    pooling: of the head. "windows" as in the code, which is what makes a least size; "whole"
        averages the whole map, of any size. Weights are trained for one of the two.
    Raises RoadsegError for a smaller image.
    """
    return _network(
        "large", num_classes, input_shape, pooling, normalisation, include_preprocessing
    )


def mobilenet_v3_small(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    pooling: Pooling = "windows",
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the small network; everything else is as in `mobilenet_v3_large`."""
    return _network(
        "small", num_classes, input_shape, pooling, normalisation, include_preprocessing
    )


def logits_16(x: Tensor, variant: Variant, num_classes: int, pooling: Pooling) -> Tensor:
    """Return class logits at 1/16 of normalised images (batch, height, width, 3)."""
    c4 = coarse_stages(fine_stages(x, variant).c1, variant).c4
    return light_aspp(c4, num_classes, pooling)


def _network(
    variant: Variant,
    num_classes: int,
    input_shape: tuple[int | None, int | None, int],
    pooling: Pooling,
    normalisation: Normalisation,
    include_preprocessing: bool,
) -> keras.Model:
    images, x = image_input(input_shape, 1, normalisation, include_preprocessing)
    logits = logits_16(x, variant, num_classes, pooling)
    return segmentation_model(images, {"logits": logits}, f"mobilenet_v3_{variant}")
