"""DFANet: the same light backbone three times over, each fed with what the one before found.

Paper: Li et al. 2019 (arXiv:1904.02216).
Source: lxtGH/Fast_Seg, commit 7895738 (Apache 2.0).
Changed: logits come at input size; a list of outputs became a dict; the auxiliary heads, 88 % of
the code's multiply-adds in inference, are there only when asked for.
"""

import keras

from roadseg.backbones.xception_a import ENCODERS, attention, encoder, xception_a
from roadseg.layers.auxiliary_head import auxiliary_head
from roadseg.layers.convolution import Tensor, conv, conv_norm
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.resize import ResizeLike

MULTIPLE = 64
DECODER_WIDTH = 32
AUXILIARY_WIDTH = 192


def dfanet(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Sides are multiples of 64. Images are RGB, 0..255; without `include_preprocessing` already
    normalised. Logits are unnormalised, float32, at input size; they are decided at 1/4 (layer
    `conv_out`) and enlarged bilinearly with aligned corners.
    auxiliary_heads: return {"logits": ..., "aux1": ..., "aux2": ...} for training, from the
        attended features of the first backbone at 1/4 and of the second at 1/8 (layers `dsn1.4`,
        `dsn2.4`). They are the code author's; the paper has none.
    Depth and attention are those of the paper's DFANet-A (4, 6 and 4 blocks). It counts 7.8 M
    values, the code has 2.7 M, auxiliary heads and an unused classifier included.
    Raises RoadsegError for another size.
    """
    images, x = image_input(input_shape, MULTIPLE, normalisation, include_preprocessing)
    enc2_a, enc3_a, enc4_a, fca_a = xception_a(x)
    up_a = ResizeLike(name="fca_1.up")([fca_a, enc2_a])
    names = ("enc2_2", "enc3_2", "enc4_2", "fca_2")
    enc2_b, enc3_b, enc4_b, fca_b = _backbone(up_a, (enc2_a, enc3_a, enc4_a), names)
    up_b = ResizeLike(name="fca_2.up")([fca_b, enc2_b])
    names = ("enc2_3", "enc3_3", "enc3_4", "fca_3")
    enc2_c, _, _, fca_c = _backbone(up_b, (enc2_b, enc3_b, enc4_b), names)

    low, high = (enc2_a, enc2_b, enc2_c), (fca_a, fca_b, fca_c)
    heads = {"logits": conv(_decoder(low, high), num_classes, 1, "conv_out", use_bias=True)}
    if auxiliary_heads:
        heads["aux1"] = auxiliary_head(up_a, AUXILIARY_WIDTH, num_classes, "dsn1")
        heads["aux2"] = auxiliary_head(up_b, AUXILIARY_WIDTH, num_classes, "dsn2")
    return segmentation_model(images, heads, "dfanet")


def _backbone(
    x: Tensor, before: tuple[Tensor, Tensor, Tensor], names: tuple[str, str, str, str]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return three encoders' maps and the last attended; each also sees its predecessor's map.

    before: the maps of the backbone before, twice the size of those that come back.
    """
    maps = []
    for earlier, (filters, blocks), name in zip(before, ENCODERS, names[:3], strict=True):
        x = keras.layers.Concatenate(name=f"{name}.concatenated")([earlier, x])
        x = encoder(x, filters, blocks, name)
        maps.append(x)
    enc2, enc3, enc4 = maps
    return enc2, enc3, enc4, attention(enc4, names[3])


def _decoder(low: tuple[Tensor, ...], high: tuple[Tensor, ...]) -> Tensor:
    """Return 32 channels at 1/4 from the first and the attended map of every backbone."""
    like = low[0]
    reduced = [
        _reduce_and_enlarge(x, like, f"enc2_{backbone}_reduce")
        for backbone, x in enumerate(low, start=1)
    ]
    x = keras.layers.Add(name="low_fusion")(reduced)
    x = conv_norm(x, DECODER_WIDTH, 1, ("conv_fusion.conv", "conv_fusion.bn"))
    attended = [
        _reduce_and_enlarge(x, like, f"fca_{backbone}_reduce")
        for backbone, x in enumerate(high, start=1)
    ]
    return keras.layers.Add(name="high_fusion")([x, *attended])


def _reduce_and_enlarge(x: Tensor, like: Tensor, name: str) -> Tensor:
    """Return 32 channels of `x` at the size of `like`."""
    reduced = conv_norm(x, DECODER_WIDTH, 1, (f"{name}.conv", f"{name}.bn"))
    return reduced if x is like else ResizeLike(name=f"{name}.up")([reduced, like])
