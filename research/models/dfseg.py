"""DFSeg, versions 1 and 2: a DFNet backbone, pyramid pooling, and a decoder of two fusions.

Paper: Li et al. 2019, "Partial Order Pruning" (arXiv:1903.03777).
Source: lxtGH/Fast_Seg, commit 7895738 (Apache 2.0); the authors' decoder is in `dfseg_authors.py`.
Changed: logits come at input size; the backbone's unused classifier is left out; an auxiliary head,
which the code's loss asks for and its networks lack, can be had.
"""

from typing import Literal

import keras

from roadseg.backbones.df import FEATURES, SKIPS, Skips, df
from roadseg.layers.auxiliary_head import auxiliary_head
from roadseg.layers.convolution import TORCH_NORM, Tensor, conv, normal_fan_out
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pyramid_pooling import pyramid_pooling
from roadseg.layers.resize import ResizeLike
from roadseg.models.dfseg_authors import AUTHORS_NORM, FORMS, MULTIPLE, authors_decoder


def dfseg_v1(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    skips: Skips = "code",
    ppm_padding: int = 1,
    decoder: Literal["code", "df1_seg", "df1_seg_d8"] = "code",
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Any size. Images are RGB, 0..255; without `include_preprocessing` already normalised. Logits
    are unnormalised, float32, at input size; they are decided at 1/16 (layer `fc.4`) and enlarged
    bilinearly with aligned corners.
    auxiliary_heads: return {"logits": ..., "aux": ...} for training (weight 0.4), the second from
        the middle one of the three maps that are decoded (layer `dsn.4`). Not in the code.
    skips: "code" decodes stages at 1/16, 1/32 and 1/32, as the code does; "authors" those at
        1/8, 1/16 and 1/32, and decides at 1/8.
    ppm_padding: 1 as in the code, whose 1x1 convolution after the pyramid adds a border that the
        next resize squeezes back, shifting the features; 0 is the correct form.
    decoder: "code" is the code's; "df1_seg" is the DF1-Seg of the paper's authors, and
        "df1_seg_d8" the same, read out at 1/8: its pixels are repeated (both decide at 1/8, layer
        `decoder.score.bn`, and take multiples of 32). Theirs goes with normalisation="df".
    Raises RoadsegError for a size that DF1-Seg does not take, ValueError for another word, or
    where DF1-Seg is asked for with another `ppm_padding` or `skips`, which it does not have.
    """
    if skips not in SKIPS:
        raise ValueError(f"skips={skips!r}; there are {', '.join(SKIPS)}")
    _check(1, decoder, skips=(skips, "code"), ppm_padding=(ppm_padding, 1))
    # The authors' decoder reads the authors' stages.
    features = SKIPS[skips if decoder == "code" else "authors"][1]
    return _dfseg(
        1,
        num_classes,
        features,
        ppm_padding,
        decoder,
        auxiliary_heads,
        image_input(input_shape, _multiple(decoder), normalisation, include_preprocessing),
    )


def dfseg_v2(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    ppm_padding: int = 1,
    decoder: Literal["code", "df2_seg1", "df2_seg2"] = "code",
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    As `dfseg_v1`, on the larger backbone, whose stages are decoded at 1/8, 1/16 and 1/32; logits
    are decided at 1/8 (layer `fc.4`).
    decoder: "code" is the code's; "df2_seg1" and "df2_seg2" are the networks of the paper's
        authors, the second with a wider decoder. They go with normalisation="df".
    """
    _check(2, decoder, ppm_padding=(ppm_padding, 1))
    return _dfseg(
        2,
        num_classes,
        FEATURES[2],
        ppm_padding,
        decoder,
        auxiliary_heads,
        image_input(input_shape, _multiple(decoder), normalisation, include_preprocessing),
    )


def _dfseg(
    version: int,
    num_classes: int,
    features: tuple[str, ...],
    ppm_padding: int,
    decoder: str,
    auxiliary_heads: bool,
    entry: tuple[Tensor, Tensor],
) -> keras.Model:
    images, x = entry
    published = decoder == "code"
    norm = TORCH_NORM if published else AUTHORS_NORM
    maps = df(x, version, norm=norm, initializer=normal_fan_out())
    fine, middle, coarse = (maps[name] for name in features)
    if published:
        logits = _decoder(fine, middle, coarse, num_classes, ppm_padding)
    else:
        logits = authors_decoder(fine, middle, coarse, num_classes, decoder, images)
    heads = {"logits": logits}
    if auxiliary_heads:
        heads["aux"] = auxiliary_head(middle, 128, num_classes, "dsn")
    # The authors' decoder enlarges to the size of the image itself.
    keep_size = () if published else ("logits",)
    return segmentation_model(images, heads, f"dfseg_v{version}", keep_size=keep_size)


def _decoder(
    fine: Tensor, middle: Tensor, coarse: Tensor, num_classes: int, ppm_padding: int
) -> Tensor:
    """Return logits at the size of `fine`."""
    x = pyramid_pooling(coarse, 128, "ppm", kernel_size=1, padding=ppm_padding)
    x = conv(x, 128, 1, "cc5", use_bias=True)
    for skip, level in ((middle, 4), (fine, 3)):
        skip = conv(skip, 128, 1, f"cc{level}", use_bias=True)
        x = ResizeLike(name=f"fn{level}.up")([x, skip])
        x = keras.layers.Concatenate(name=f"fn{level}.concatenated")([x, skip])
        x = conv(x, 128, 3, f"fn{level}.fusion")
    return auxiliary_head(x, 128, num_classes, "fc")


def _multiple(decoder: str) -> int:
    return 1 if decoder == "code" else MULTIPLE


def _check(version: int, decoder: str, **options: tuple[object, object]) -> None:
    """Raise ValueError for a decoder of another version, or an option it does not have."""
    forms = ("code", *FORMS[version])
    if decoder not in forms:
        raise ValueError(f"decoder={decoder!r}; there are {', '.join(forms)}")
    for name, (value, default) in options.items():
        if decoder != "code" and value != default:
            raise ValueError(f"{name}={value!r} is of the published decoder, not of {decoder}")
