"""Weights by name: which network they are for, where they lie, what they scored.

Published ones are called NETWORK/DATA and are fetched; those that come with the package by the data
alone, and need neither.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from roadseg.errors import RoadsegError

USUAL = "camvid"
"""What is used where no other is named."""
ESPNET = (
    "https://raw.githubusercontent.com/sacmehta/ESPNet/afe71c38edaee3514ca44e0adcafdf36109bf437/"
)
EDGENETS = (
    "https://raw.githubusercontent.com/sacmehta/EdgeNets/2b232d3f7fb60658755dad1ebca0ffc895cc795e/"
)
DABNET = (
    "https://raw.githubusercontent.com/WenmuZhou/DABNet_Paddle/"
    "b551085009faf07b351df98ecb625e1f82ddd50e/"
)


@dataclass(frozen=True)
class Sampled:
    """How a network behind the sampler `density` samples; the file holds the weights of both."""

    size: tuple[int, int]
    """Samples, rows and columns."""
    input_size: tuple[int, int]
    """Height and width in pixels of the thumbnail that the sampler sees."""
    strength: float
    """How far samples follow the density, 0 to below 1."""


@dataclass(frozen=True)
class Preset:
    """A file of weights, and all that has to be known to use it."""

    network: str
    """Name in `roadseg.list_models()`."""
    options: Mapping[str, Any]
    """Arguments of the network's builder that the weights depend on."""
    num_classes: int
    """Outputs of the network; 0 of a backbone, which has none."""
    label_table: str
    """Name of the classes in `roadseg.label_tables`."""
    protocol: str
    """Rule by which the score was counted, as `roadseg eval --protocol` has it."""
    score: float | None
    """Published mean IoU in percent; None: none was published."""
    scored_on: str
    """Images that it was counted on."""
    licence: str
    address: str
    """Where the authors' file lies, at a fixed commit; "" if it is not to be had as it is."""
    size: int
    """Bytes of that file."""
    sha256: str
    file: str
    """Its name in the cache, and in a mirror."""
    mirrored: str
    """Name of the same arrays as an `.npz`, by the original's names, in a mirror."""
    image_size: tuple[int, int] | None = None
    """Height and width of the images that the score was counted at; None: any."""
    resize: Literal["", "opencv", "pillow"] = ""
    """How the original brings images to that height, as `inference.images.at_height` has it, and
    its labels back by picking pixels; "": it shows images as they are."""
    part: Literal["all", "backbone"] = "all"
    """What the file fills: 'all', or 'backbone' of a network that still has to be trained."""
    note: str = ""
    shipped: str = ""
    """Name of the file in the package's folder `weights/shipped`; "" of one to be fetched."""
    sampled: Sampled | None = None
    """How the network samples; None: it sees every pixel."""

    @property
    def void_class(self) -> bool:
        """Whether the network has one output more than the label table classes."""
        from roadseg import label_tables

        return self.num_classes == label_tables.get(self.label_table).num_classes + 1


@dataclass(frozen=True)
class _File:
    """Where an authors' file lies and how it is known again."""

    path: str
    size: int
    sha256: str
    mirrored: str
    file: str = field(default="")


def _espnet(network: str, q: int, source: _File, score: float | None = None) -> Preset:
    options = {"p": 2, "q": q, "normalisation": "espnet_cityscapes"}
    return Preset(
        network,
        options | ({"fusion": "stem"} if network == "espnet" else {}),
        20,
        "cityscapes",
        "cityscapes",
        score,
        "Cityscapes test" if score else "Cityscapes",
        "MIT, 2018 Sachin Mehta",
        ESPNET + source.path,
        source.size,
        source.sha256,
        source.file,
        source.mirrored,
        image_size=(512, 1024),
        resize="opencv",
    )


def _espnetv2(s: float, score: float, size: int, sha256: str) -> Preset:
    file = f"espnetv2_s_{s}_city_1024x512.pth"
    return Preset(
        "espnetv2",
        {"s": s, "normalisation": "rgb"},
        20,
        "cityscapes",
        "cityscapes",
        score,
        "Cityscapes val",
        "MIT, 2021 Sachin Mehta",
        f"{EDGENETS}model/segmentation/model_zoo/espnetv2/{file}",
        size,
        sha256,
        file,
        f"espnetv2_s{s}_cityscapes.npz",
        image_size=(512, 1024),
        resize="pillow",
    )


def _backbone(
    classes_from: str, options: Mapping[str, Any], mirrored: str, source: str, note: str
) -> Preset:
    return Preset(
        "deeplabv3_mobilenet_v2",
        options,
        0,
        "",
        "",
        None,
        classes_from,
        "Apache-2.0",
        "",
        0,
        "",
        "",
        mirrored,
        part="backbone",
        note=f"{note}, made from {source}; from a mirror alone",
    )


def _decoder(q: int, size: int, sha256: str) -> _File:
    name = f"espnet_p_2_q_{q}.pth"
    mirrored = f"espnet_p2_q{q}_cityscapes.npz"
    return _File(f"pretrained/decoder/{name}", size, sha256, mirrored, name)


def _encoder(q: int, size: int, sha256: str) -> _File:
    mirrored = f"espnet_c_p2_q{q}_cityscapes.npz"
    path = f"pretrained/encoder/espnet_p_2_q_{q}.pth"
    return _File(path, size, sha256, mirrored, f"espnet_c_p_2_q_{q}.pth")


PRESETS: dict[str, Preset] = {
    "camvid": Preset(
        "dabnet",
        {"normalisation": "dabnet_cityscapes"},
        11,
        "camvid",
        "cityscapes",
        66.11,
        "CamVid test",
        "Apache-2.0 (roadseg); started from dabnet/cityscapes (MIT), trained on CamVid",
        "",
        1_701_964,
        "e804f619d1efb9e036500602fa5442048bb5d06f06e0927aae13bd82a4531c75",
        "",
        "",
        image_size=(360, 480),
        resize="opencv",
        note="trained by this project, recipe camvid/dabnet",
        shipped="camvid.npz",
    ),
    "camvid_density": Preset(
        "deeplabv3_mobilenet_v2",
        {"output_stride": 8, "depth_multiplier": 0.5},
        11,
        "camvid",
        "cityscapes",
        42.10,
        "CamVid test",
        "Apache-2.0 (roadseg); started from pascal-backbone (Apache-2.0), trained on CamVid",
        "",
        1_629_174,
        "eff682750656bed6b7aa99a6f15aad6cd7e52cb8fa388315c33497ad92f3c5fe",
        "",
        "",
        note="trained by this project, recipe camvid/sampled_deeplabv3_050, sampler density",
        shipped="camvid_density.npz",
        sampled=Sampled(size=(96, 128), input_size=(96, 128), strength=0.35),
    ),
    "dabnet/cityscapes": Preset(
        "dabnet",
        {"normalisation": "dabnet_cityscapes"},
        19,
        "cityscapes",
        "cityscapes",
        69.63,
        "Cityscapes val",
        "MIT, 2019 Gen Li; weights of DABNet_Paddle",
        f"{DABNET}best.params",
        3_110_303,
        "6e1bd4a748cd8bd499260f362dfa7dcb39e895770f2bfeb168d670e1bd70586c",
        "dabnet_cityscapes.params",
        "dabnet_cityscapes_paddle.npz",
        image_size=(1024, 2048),
    ),
    "deeplabv3_mobilenet_v2/ade20k-backbone": _backbone(
        "ADE20K",
        {"depth_multiplier": 1.0},
        "deeplabv3_mnv2_ade20k_int8_slim.npz",
        "mlcommons/mobile_models 1f996331",
        "MobileNetV2 1.0, dequantised",
    ),
    "deeplabv3_mobilenet_v2/imagenet-backbone": _backbone(
        "ImageNet",
        {"depth_multiplier": 1.0},
        "mobilenet_v2_1.0_224_quant_slim.npz",
        "tensorflow/tflite-support dd3362ea",
        "MobileNetV2 1.0, dequantised",
    ),
    "deeplabv3_mobilenet_v2/pascal-backbone": _backbone(
        "PASCAL VOC",
        {"depth_multiplier": 0.5},
        "deeplabv3_mnv2_dm05_pascal_257_slim.npz",
        "tensorflow/tflite-support dd3362ea",
        "MobileNetV2 0.5",
    ),
    "espnet/camvid": Preset(
        "espnet",
        {"p": 2, "q": 8, "fusion": "stem+image", "normalisation": "espnet_camvid"},
        12,
        "camvid",
        "espnet",
        55.64,
        "CamVid test",
        "MIT, 2018 Sachin Mehta",
        f"{ESPNET}pretrained/decoder/espnet_p_2_q_8_camvid.pth",
        1_460_677,
        "7d354a257170322086dcd4c1e89a482454cf2c9d30b085e70883878dd59301af",
        "espnet_p_2_q_8_camvid.pth",
        "espnet_p2_q8_camvid.npz",
        image_size=(360, 480),
        resize="opencv",
    ),
    "espnet_p2_q3/cityscapes": _espnet(
        "espnet",
        3,
        _decoder(3, 840_008, "8f3eb198fb15e5da7fa8d258d5f0fc4a4213e1124f415f6fc54d2772d585a7fc"),
    ),
    "espnet_p2_q5/cityscapes": _espnet(
        "espnet",
        5,
        _decoder(5, 1_104_612, "0378be45080ca5edfc416e9ba06b04e74ec5e2ec4baf56597f25a894a8593942"),
    ),
    "espnet_p2_q8/cityscapes": _espnet(
        "espnet",
        8,
        _decoder(8, 1_501_621, "343b0e77e8545d36113c4f3efbf1ee349256f25c97c9f9d5ddefe45f2f49763e"),
        score=60.34,
    ),
    "espnet_c_p2_q3/cityscapes": _espnet(
        "espnet_c",
        3,
        _encoder(3, 772_764, "5101e9bc90dd2a57d8460e70cdfaa743f76317bf806d2d1c4adb635c8d392e77"),
    ),
    "espnet_c_p2_q5/cityscapes": _espnet(
        "espnet_c",
        5,
        _encoder(5, 1_037_106, "ec028eb60b08a56583eb9d310f5f4f7c4bc70972009030c25f1414dc48c916d6"),
    ),
    "espnet_c_p2_q8/cityscapes": _espnet(
        "espnet_c",
        8,
        _encoder(8, 1_433_605, "836f28a2a31bd4fc8997001ab6b620d1f9b7b274a03b32d9f3a95c17a011b438"),
    ),
    "espnetv2_0.5/cityscapes": _espnetv2(
        0.5, 53.9, 469_319, "9412a86a30f137540ef945d08da3cb7191448956c56c41a64210dab443a9f65f"
    ),
    "espnetv2_1.0/cityscapes": _espnetv2(
        1.0, 60.1, 1_107_690, "0918c833fed889e32901ce739b1784fdd2b79f95a9aea199a469ca3394dd7a14"
    ),
    "espnetv2_1.5/cityscapes": _espnetv2(
        1.5, 63.8, 2_068_779, "0dbbda9126583d62f73dfdc28a59a30ab4564094ee6d28428b897a4e36c466b4"
    ),
    "espnetv2_2.0/cityscapes": _espnetv2(
        2.0, 66.4, 3_376_094, "a72d59699801c7ce8e8b89a53af9097eaaa60dc12180ecde86fd700ba1222fe8"
    ),
}


def list_presets() -> list[str]:
    """Return the names of all presets, sorted."""
    return sorted(PRESETS)


def find_preset(name: str) -> Preset:
    """Return the preset called `name`; raise RoadsegError naming the near ones if there is none."""
    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(name, PRESETS, n=3) or list_presets()
    raise RoadsegError(f"no preset '{name}'; did you mean {' or '.join(near)}?")


def choose_preset(network: str, weights: str, options: Mapping[str, Any]) -> tuple[str, Preset]:
    """Return the preset of `network` called `weights` that agrees with `options`, and its name.

    network: name in the registry ('espnetv2'), or how a preset's name begins ('espnetv2_2.0').
    weights: what a preset's name ends in ('cityscapes').
    Raises RoadsegError where there is none, where options contradict the only one, and where
    several are left, naming them.
    """
    if f"{network}/{weights}" in PRESETS:
        found = {f"{network}/{weights}": PRESETS[f"{network}/{weights}"]}
    else:
        found = {
            name: preset
            for name, preset in PRESETS.items()
            if preset.network == network and name.rpartition("/")[2] == weights
        }
    if not found:
        # It raises, and names the near ones.
        find_preset(f"{network}/{weights}")
    agreeing = {
        name: preset for name, preset in found.items() if not contradictions(preset, options)
    }
    if not agreeing:
        name, preset = next(iter(found.items()))
        option = contradictions(preset, options)[0]
        values = " or ".join(str(other.options[option]) for other in found.values())
        raise RoadsegError(
            f"{option}={options[option]!r}: the weights {name} are of a network with {option} "
            f"{values}; leave {option} out"
        )
    if len(agreeing) > 1:
        first, *others = agreeing.values()
        apart = [
            option
            for option, value in first.options.items()
            if any(other.options[option] != value for other in others)
        ]
        raise RoadsegError(
            f"weights='{weights}': there are {', '.join(agreeing)}; give {' and '.join(apart)}"
        )
    return next(iter(agreeing.items()))


def contradictions(preset: Preset, options: Mapping[str, Any]) -> list[str]:
    """Return the names of `options` whose values are not those that the weights depend on."""
    return [
        name
        for name, value in options.items()
        if name in preset.options and preset.options[name] != value
    ]
