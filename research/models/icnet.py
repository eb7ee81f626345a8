"""ICNet: a deep backbone on a reduced image, corrected by shallow branches on larger ones.

Paper: Zhao et al. 2018 (arXiv:1704.08545).
Source: lxtGH/Fast_Seg, commit 7895738 (Apache 2.0).
Changed: logits come at input size; a list of outputs became a dict.
"""

import keras

from roadseg.backbones.resnet import DEEP_STEM, resnet_stage, resnet_stem
from roadseg.layers.convolution import Tensor, activate, conv, conv_norm
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pyramid_pooling import pyramid_pooling
from roadseg.layers.resize import ResizeBy, ResizeLike

MULTIPLE = 8
DEPTH = 50


def icnet(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    width: int = 64,
    full_resolution_loss: bool = True,
    normalisation: Normalisation = "bgr",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Sides are multiples of 8, better of 32. Images are RGB, 0..255, turned to BGR as the backbone's
    published weights want it; without `include_preprocessing` already normalised. Logits are
    unnormalised, float32, at input size; they are decided at 1/4 (layer `head.conv_cls`) and
    enlarged bilinearly with aligned corners.
    auxiliary_heads: return a dict for training, with "eighth" and "sixteenth" (1/16, one row and
        column more) from the coarser branch of each fusion, before it meets the finer one.
    width: channels of the backbone's first layers. 64 as in the code (47.5 M values with all
        heads); 32 halves each layer of backbone and pyramid (12.3 M), our form of the paper's
        pruned network.
    full_resolution_loss: as in the code, the dict also has "quarter", the same logits a second
        time, so that they count in the loss as the main head and as one more. False: once, as in
        the paper.
    Raises RoadsegError for another size.
    """
    images, x = image_input(input_shape, MULTIPLE, normalisation, include_preprocessing)
    fine = _fine_branch(x)
    coarse, middle = _backbone(ResizeBy(down=2, name="half")(x), width)
    coarse = conv_norm(coarse, 256, 1, ("conv_sub4.conv", "conv_sub4.bn"))
    middle = conv_norm(middle, 256, 1, ("conv_sub2.conv", "conv_sub2.bn"))
    x, low_sixteenth = _cascade_fusion(coarse, middle, "head.cff_24")
    x, low_eighth = _cascade_fusion(x, fine, "head.cff_12")
    x = ResizeBy(up=2, name="head.up")(x)
    heads = {"logits": conv(x, num_classes, 1, "head.conv_cls")}
    if auxiliary_heads:
        if full_resolution_loss:
            heads["quarter"] = heads["logits"]
        heads["eighth"] = conv(low_eighth, num_classes, 1, "head.cff_12.conv_low_cls")
        heads["sixteenth"] = conv(low_sixteenth, num_classes, 1, "head.cff_24.conv_low_cls")
    return segmentation_model(images, heads, "icnet", upsampled_in_original=True)


def _fine_branch(x: Tensor) -> Tensor:
    """Return the map at 1/8 of the whole image, 64 channels."""
    for layer, filters in enumerate((32, 32, 64)):
        names = (f"conv_sub1.{layer}.conv", f"conv_sub1.{layer}.bn")
        x = conv_norm(x, filters, 3, names, strides=2)
    return x


def _backbone(half: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Return the maps at 1/32 and 1/16 (plus one row and column) of the whole image.

    PSPNet's backbone and pyramid; its second stage is reduced to half its size on the way.
    """
    prefix = "backbone."
    x = resnet_stem(half, prefix, DEEP_STEM, width, ceil_mode=True)
    x = resnet_stage(x, DEPTH, 1, prefix, width).features
    middle = resnet_stage(x, DEPTH, 2, prefix, width, stride=2).features
    x = ResizeBy(down=2, name="quarter_size")(middle)
    x = resnet_stage(x, DEPTH, 3, prefix, width, dilation=2).features
    x = resnet_stage(x, DEPTH, 4, prefix, width, dilation=4).features
    return pyramid_pooling(x, 8 * width, f"{prefix}head"), middle


def _cascade_fusion(low: Tensor, high: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Return the fused map at the size of `high`, 128 channels, and what `low` brings to it."""
    low = ResizeLike(name=f"{name}.up")([low, high])
    names = (f"{name}.conv_low.0", f"{name}.conv_low.1")
    low = conv_norm(low, 128, 3, names, dilation=2, activation=None)
    names = (f"{name}.conv_high.0", f"{name}.conv_high.1")
    high = conv_norm(high, 128, 1, names, activation=None)
    fused = keras.layers.Add(name=f"{name}.sum")([low, high])
    return activate(fused, f"{name}.relu"), low
