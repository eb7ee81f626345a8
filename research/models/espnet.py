"""ESPNet: dilated convolutions side by side on few channels, added up from small to large.

Paper: Mehta et al. 2018 (arXiv:1803.06815).
Source: lxtGH/Fast_Seg, commit 7895738 (Apache 2.0); sacmehta/ESPNet, commit afe71c3 (MIT).
Changed: logits come at input size.
"""

from typing import Literal

import keras

from roadseg.layers.conv_bn import BatchNorm, batch_norm
from roadseg.layers.convolution import Tensor, conv, uniform_fan_in
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pooling import AveragePooling
from roadseg.layers.prelu import norm_prelu
from roadseg.ops.resize import Corners

# The decoder doubles three times, and has to meet the sizes on the way down.
MULTIPLE = 8
DILATIONS = (1, 2, 4, 8, 16)
NORM = BatchNorm(momentum=0.9, epsilon=1e-3)
Fusion = Literal["stem+image", "stem"]


def espnet(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    p: int = 2,
    q: int = 3,
    fusion: Fusion = "stem+image",
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Sides are multiples of 8. Images are RGB, 0..255; without `include_preprocessing` already
    normalised. Logits are unnormalised, float32, decided at input size (layer `classifier`).
    auxiliary_heads: return {"logits": ..., "aux": ...} for training, the second from the
        encoder's classes at 1/8 (layer `encoder.classifier.conv`). Ours: the code has one output,
        and the authors train the encoder by itself first. It adds no weights.
    p, q: ESP blocks at 1/4 and at 1/8.
    fusion: what joins the decoder at 1/2. 'stem+image' (the code, the authors' training copy and
        CamVid weights): stem and image, normalised, 19 channels; 'stem' (their Cityscapes
        weights): the stem's 16 before that.
    The published weights expect normalisation 'espnet_cityscapes' or 'espnet_camvid'.
    Raises RoadsegError for another size, ValueError for another option or fewer than 5 classes.
    """
    if num_classes < len(DILATIONS):
        raise ValueError(
            f"num_classes={num_classes}; the decoder splits the classes over {len(DILATIONS)} "
            f"dilations, so there have to be {len(DILATIONS)} or more; espnet_c takes fewer"
        )
    if fusion not in ("stem+image", "stem"):
        raise ValueError(f"fusion={fusion!r}; there are 'stem+image' and 'stem'")
    images, x = image_input(input_shape, MULTIPLE, normalisation, include_preprocessing)
    classes, quarter, stem, stem_and_image = _encoder(x, num_classes, p, q, "encoder.")
    half = stem_and_image if fusion == "stem+image" else stem
    heads = {"logits": _decoder(classes, quarter, half, num_classes)}
    if auxiliary_heads:
        heads["aux"] = classes
    # The decoder ends at input size.
    return segmentation_model(images, heads, "espnet", keep_size=("logits",))


def espnet_c(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    p: int = 5,
    q: int = 3,
    align_corners: Corners = True,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return ESPNet-C, the encoder as a network of its own; arguments as in `espnet`.

    Logits are decided at 1/8 (layer `classifier.conv`) and enlarged bilinearly.
    align_corners: True as PyTorch 0.3 did for the authors; 'half_pixel' as later versions do.
    p: 5 is the code's default; the authors' weights have 2.
    """
    images, x = image_input(input_shape, MULTIPLE, normalisation, include_preprocessing)
    classes, *_ = _encoder(x, num_classes, p, q, "")
    return segmentation_model(images, {"logits": classes}, "espnet_c", align_corners)


def _encoder(
    image: Tensor, num_classes: int, p: int, q: int, prefix: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return classes at 1/8, features at 1/4 (131 channels), and at 1/2 the stem without (16) and
    with the image (19).
    """
    for name, blocks in (("p", p), ("q", q)):
        if blocks < 1:
            raise ValueError(f"{name}={blocks}; a level has at least one block")
    half = AveragePooling(name=f"{prefix}sample1")(image)
    quarter = AveragePooling(name=f"{prefix}sample2")(half)
    stem = conv(image, 16, 3, f"{prefix}level1.conv", strides=2)
    stem = norm_prelu(stem, NORM, f"{prefix}level1.bn", f"{prefix}level1.act")
    stem_and_image = _join([stem, half], f"{prefix}b1")

    first = _esp_downsampler(stem_and_image, 64, f"{prefix}level2_0")
    x = _esp_blocks(first, p, f"{prefix}level2")
    features = _join([x, first, quarter], f"{prefix}b2")

    first = _esp_downsampler(features, 128, f"{prefix}level3_0")
    x = _esp_blocks(first, q, f"{prefix}level3")
    x = _join([first, x], f"{prefix}b3")
    return conv(x, num_classes, 1, f"{prefix}classifier.conv"), features, stem, stem_and_image


def _decoder(classes: Tensor, quarter: Tensor, half: Tensor, num_classes: int) -> Tensor:
    """Return logits at 1/1 from the encoder's at 1/8 and its features at 1/4 and 1/2."""
    x = _twice(batch_norm(classes, NORM, "br"), num_classes, "up_l3.0")
    x = _join([conv(quarter, num_classes, 1, "level3_C.conv"), x], "combine_l2_l3.0")
    x = _esp(x, num_classes, "combine_l2_l3.1", kernel_size=1)
    x = norm_prelu(x, NORM, "combine_l2_l3.1.bn.bn", "combine_l2_l3.1.bn.act")
    x = _twice(x, num_classes, "up_l2.0")
    x = norm_prelu(x, NORM, "up_l2.1.bn", "up_l2.1.act")
    x = keras.layers.Concatenate(name="conv.concatenated")([x, half])
    x = conv(x, num_classes, 3, "conv.conv")
    x = norm_prelu(x, NORM, "conv.bn", "conv.act")
    return _twice(x, num_classes, "classifier")


def _esp_blocks(x: Tensor, count: int, name: str) -> Tensor:
    """Return `x` after blocks that keep its size and width, each with a residual."""
    for number in range(count):
        block = f"{name}.{number}"
        inner = _esp(x, x.shape[-1], block, kernel_size=1)
        x = keras.layers.Add(name=f"{block}.sum")([x, inner])
        x = norm_prelu(x, NORM, f"{block}.bn.bn", f"{block}.bn.act")
    return x


def _esp_downsampler(x: Tensor, filters: int, name: str) -> Tensor:
    x = _esp(x, filters, name, kernel_size=3, strides=2)
    return norm_prelu(x, NORM, f"{name}.bn", f"{name}.act")


def _esp(x: Tensor, filters: int, name: str, kernel_size: int, strides: int = 1) -> Tensor:
    """Return the spatial pyramid: reduce, five dilations, and sums from 2 upwards, joined.

    Each branch has a fifth of the channels; the first also has what is left over. That sums, and
    not the branches, are joined takes away the grid that large dilations draw.
    """
    branch = filters // len(DILATIONS)
    x = conv(x, branch, kernel_size, f"{name}.c1.conv", strides=strides)
    first = filters - branch * (len(DILATIONS) - 1)
    maps = [conv(x, first, 3, f"{name}.d1.conv")]
    total = None
    for dilation in DILATIONS[1:]:
        part = conv(x, branch, 3, f"{name}.d{dilation}.conv", dilation=dilation)
        total = (
            part if total is None else keras.layers.Add(name=f"{name}.add{dilation}")([total, part])
        )
        maps.append(total)
    return keras.layers.Concatenate(name=f"{name}.concatenated")(maps)


def _twice(x: Tensor, filters: int, name: str) -> Tensor:
    """Return `x` at twice its size, each value spread over 2x2 by learned weights."""
    return keras.layers.Conv2DTranspose(
        filters,
        2,
        strides=2,
        use_bias=False,
        # PyTorch counts the fan in of a transposed kernel by its filters, 2x2 each.
        kernel_initializer=uniform_fan_in(4 * filters),
        name=name,
    )(x)


def _join(maps: list[Tensor], name: str) -> Tensor:
    x = keras.layers.Concatenate(name=f"{name}.concatenated")(maps)
    return norm_prelu(x, NORM, f"{name}.bn", f"{name}.act")
