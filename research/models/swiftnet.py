"""SwiftNet RN18: a plain ResNet-18, a spatial pyramid, and a narrow ladder back to 1/4.

Paper: Orsic et al. 2019 (arXiv:1903.08469), the single-scale model.
Source: lxtGH/Fast_Seg, commit 7895738 (Apache 2.0), after orsic/swiftnet, commit 2b88990, which
bears no permissive licence: only what it does was described, nothing is copied.
Changed: logits come at input size; a list of outputs became a dict.
"""

import keras

from roadseg.backbones.resnet import Stage, resnet
from roadseg.layers.auxiliary_head import auxiliary_head
from roadseg.layers.conv_bn import BatchNorm, batch_norm
from roadseg.layers.convolution import TORCH_NORM, Tensor, activate, conv, normal_fan_out
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pooling import ProportionateAveragePooling
from roadseg.layers.resize import ResizeLike
from roadseg.ops.resize import Corners

# PyTorch's momentum of 0.005, as Keras counts it.
PYRAMID_NORM = BatchNorm(momentum=0.995, epsilon=1e-5)
PYRAMID_ROWS = (8, 4, 2)


def swiftnet(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    features: int | None = None,
    pre_activation_skips: bool = False,
    align_corners: Corners = True,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Any size. Images are RGB, 0..255; without `include_preprocessing` already normalised. Logits are
    unnormalised, float32, at input size; they are decided at 1/4 and enlarged bilinearly.
    auxiliary_heads: return {"logits": ..., "aux": ...} for training, the second from the third
        stage (layer `dsn.4`).
    features: width of pyramid and ladder. None as in the code: the class count, and no class layer
        (the last blend, layer `upsample.2.blend_conv.conv`, gives the logits). 128 is the paper's
        and its authors', with a class layer (`logits.conv`): the one to train.
    pre_activation_skips: what the ladder and the pyramid take from each stage is the sum before
        its last ReLU, as the code's header says. False: after it, as that code and its authors'
        really do, since the ReLU works in place.
    align_corners: of every resize. True as in the code; "half_pixel" as its authors have it.
    """
    images, x = image_input(input_shape, 1, normalisation, include_preprocessing)
    stages = resnet(x, 18, initializer=normal_fan_out())
    skips = [_skip(stage, pre_activation_skips) for stage in stages]
    width = num_classes if features is None else features
    x = _spatial_pyramid(skips[3], width, align_corners, "spp.spp")
    for number, skip in enumerate(skips[2::-1]):
        x = _upsample(x, skip, width, align_corners, f"upsample.{number}")
    if features is not None:
        x = _norm_relu_conv(x, num_classes, 1, "logits", use_bias=True)
    heads = {"logits": x}
    if auxiliary_heads:
        heads["aux"] = auxiliary_head(stages[2].features, 256, num_classes, "dsn")
    return segmentation_model(images, heads, "swiftnet", align_corners)


def _skip(stage: Stage, pre_activation: bool) -> Tensor:
    return stage.before_relu if pre_activation else stage.features


def _spatial_pyramid(x: Tensor, filters: int, align_corners: Corners, name: str) -> Tensor:
    """Return `x` (1/32) with what lies around, from averages over ever larger square bins."""
    x = _norm_relu_conv(x, filters, 1, f"{name}.spp_bn", PYRAMID_NORM)
    maps = [x]
    for number, rows in enumerate(PYRAMID_ROWS):
        branch = ProportionateAveragePooling(rows, name=f"{name}.pool{number}")(x)
        branch = _norm_relu_conv(branch, filters // 3, 1, f"{name}.spp{number}", PYRAMID_NORM)
        maps.append(ResizeLike(align_corners, name=f"{name}.up{number}")([branch, x]))
    x = keras.layers.Concatenate(name=f"{name}.concatenated")(maps)
    return _norm_relu_conv(x, filters, 1, f"{name}.spp_fuse", PYRAMID_NORM)


def _upsample(x: Tensor, skip: Tensor, filters: int, align_corners: Corners, name: str) -> Tensor:
    """Return `x` at the size of `skip`, blended with it."""
    skip = _norm_relu_conv(skip, filters, 1, f"{name}.bottleneck")
    x = ResizeLike(align_corners, name=f"{name}.up")([x, skip])
    x = keras.layers.Add(name=f"{name}.sum")([x, skip])
    return _norm_relu_conv(x, filters, 3, f"{name}.blend_conv")


def _norm_relu_conv(
    x: Tensor,
    filters: int,
    kernel_size: int,
    name: str,
    norm: BatchNorm = TORCH_NORM,
    use_bias: bool = False,
) -> Tensor:
    """Return normalisation, ReLU and convolution of `x`, in this order."""
    x = activate(batch_norm(x, norm, f"{name}.norm"), f"{name}.relu")
    return conv(
        x,
        filters,
        kernel_size,
        f"{name}.conv",
        use_bias=use_bias,
        initializer=normal_fan_out(),
    )
