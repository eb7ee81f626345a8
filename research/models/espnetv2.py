"""ESPNetv2: a backbone of depthwise dilated convolutions, and a decoder that looks at five scales.

Paper: Mehta et al. 2018 (arXiv:1811.11431; CVPR 2019).
Source: sacmehta/EdgeNets, commit 2b232d3 (MIT), its segmentation network.
"""

import keras

from roadseg.backbones.espnetv2 import NEVER_RUN, espnetv2_backbone
from roadseg.layers.convolution import TORCH_NORM, Tensor
from roadseg.layers.efficient_pyramid import efficient_pyramid, gated_projection
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.prelu import norm_prelu
from roadseg.layers.resize import ResizeBy

MULTIPLE = 16
BACKBONE = "base_net."
UNUSED = tuple(BACKBONE + name for name in NEVER_RUN)
"""What the published files hold and no output depends on."""


def espnetv2(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    s: float = 1.0,
    base: int = 16,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Sides are multiples of 16, or one pixel less. Images are RGB, 0..255; without
    `include_preprocessing` already normalised. Logits are unnormalised, float32, at input size;
    they are decided at 1/2 (layer `bu_dec_l4.merge_layer.3`) and enlarged bilinearly with aligned
    corners, in the original too. There is one output, in training as well.
    s: scale of the backbone's width: 0.5, 1.0, 1.25, 1.5 or 2.0.
    base: of the decoder's widths, 4, 3 and 2 times it; 16 is the code's for Cityscapes and
        PASCAL, 32 for COCO.
    The published Cityscapes weights have 20 classes, the last for everything else.
    Raises RoadsegError for another size, ValueError for another option or fewer than 2 classes.
    """
    if num_classes < 2 or base < 1:
        raise ValueError(
            f"num_classes={num_classes}, base={base}; the decoder works on half as many channels "
            "as there are classes, at most base: take 2 classes and a base of 1 or more"
        )
    images, x = image_input(
        input_shape, MULTIPLE, normalisation, include_preprocessing, or_one_less=True
    )
    half, quarter, eighth, x = espnetv2_backbone(x, s, BACKBONE)
    inner = min(num_classes // 2, base)
    finer = ((eighth, 4 * base), (quarter, 3 * base), (half, 2 * base))
    for level, (features, width) in enumerate(finer, start=1):
        x = efficient_pyramid(x, width, inner, f"bu_dec_l{level}")
        x = _joined(x, features, level + 1)
    logits = efficient_pyramid(x, num_classes, inner, "bu_dec_l4", last=True)
    return segmentation_model(images, {"logits": logits}, "espnetv2", upsampled_in_original=True)


def _joined(x: Tensor, features: Tensor, level: int) -> Tensor:
    """Return `x` at twice its size with the backbone's features there."""
    x = ResizeBy(up=2, name=f"bu_br_l{level}.up")(x)
    features = gated_projection(features, x.shape[-1], f"merge_enc_dec_l{level}")
    x = keras.layers.Add(name=f"bu_br_l{level}.sum")([x, features])
    return norm_prelu(x, TORCH_NORM, f"bu_br_l{level}.0", f"bu_br_l{level}.1")
