"""Originals whose training is recorded: how each is built, and what its fixture trains it on."""

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from roadseg.recipe.recipe import Recipe
from tests.parity import fast_seg_cases, real_time_cases, sfnet_cases
from tests.parity.torch_networks import Case
from tests.support import Fixture, load_rule

Constructor = str | Callable[[Fixture], str]

DATA = (
    "step t, image i: rule.image(h, w, 3, f'{salt}step{t}image{i}'); "
    "label of an image x (3, h, w): "
    "clip(floor((x[0] + 2) / 4 * CLASSES), 0, LAST), 255 where x[2] > 1.5"
)
PATHS = {
    "momentum": "optimizer.momentum",
    "weight_decay": "optimizer.weight_decay",
    "learning_rate": "optimizer.learning_rate",
    "power": "schedule.power",
}
"""Fields of a recipe for the numbers that the sentence on the optimiser holds."""
OPTIMISER = re.compile(
    r"SGD, momentum (?P<momentum>\S+) \(velocity = \S+ velocity \+ gradient; weight -= rate "
    r"\* velocity\), weight decay (?P<weight_decay>\S+) added to the gradient of every parameter, "
    r"rate (?P<learning_rate>\S+) \* \(1 - t / (?P<steps>\d+)\) \*\* (?P<power>[\d.]+), "
)


def espnet(name: str, fixture: Fixture) -> str:
    """Return the constructor `name` with its depths, counted in the names of the parameters."""
    names = " ".join(listed for listed, _ in json.loads(str(fixture.arrays["names"])))
    p, q = (len(set(re.findall(rf"\blevel{level}\.(\d+)\.", names))) for level in (2, 3))
    return f"{name}({fixture.meta['classes']}, {p}, {q})"


# For each system its constructors' cases, and the constructor call of each network of it.
TRAINED: dict[str, tuple[dict[str, Case], dict[str, Constructor]]] = {
    "fastseg": (
        fast_seg_cases.CASES,
        {
            "bisenet": "BiSeNet({classes})",
            "dfanet": "DFANet({classes})",
            "dfsegv1": "DFSeg({classes}, 'dfv1')",
            "dfsegv2": "DFSeg({classes}, 'dfv2')",
            "espnet": lambda fixture: espnet("ESPNet", fixture),
            "espnet-c": lambda fixture: espnet("ESPNet_Encoder", fixture),
            "fastscnn": "FastSCNN({classes})",
            "icnet": "ICNet({classes})",
            "pspnet": "PSPNet_res50({classes})",
            "pspnet101": "PSPNet_res101({classes})",
            "swiftnet": "SwiftNetRes18({classes})",
        },
    ),
    "sfnet": (
        sfnet_cases.CASES,
        {
            "dfnetv1": "AlignedDFnetv1({classes})",
            "dfnetv2": "AlignedDFnetv2({classes})",
            "lite-resnet18": "DeepR18_SFV2_deeply_dsn_FA_Atten({classes})",
            "lite-stdc1": "AlignedSTDC1_SFV2_spatial_atten({classes})",
            "lite-stdc2": "AlignedSTDC2_SFV2_spatial_atten({classes})",
            "lite-stdc2-convgate": "AlignedSTDC2_SFV2({classes})",
            "resnet18": "DeepR18_SF_deeply({classes})",
            "resnet50": "DeepR50_SF_deeply({classes})",
            "resnet101": "DeepR101_SF_deeply({classes})",
            "stdc1": "AlignedSTDC1({classes})",
            "stdc2": "AlignedSTDC2({classes})",
        },
    ),
    # Their `meta` names the constructor.
    "ddrnet": (real_time_cases.CASES, {}),
    "pidnet": (real_time_cases.CASES, {}),
}
PLAIN_LOSS = "mean cross entropy over pixels that are not 255, main logits"
PIDNET_LOSS = (
    "PIDNet: 0.4 * aux + 1.0 * ohem + boundary + 1.0 * boundary_aware, as in pidnet-losses, "
    "every output enlarged to the label size (bilinear, aligned corners)"
)
EDGES = re.compile(r"edge map of an image x \(3, h, w\): 1 where \|x\[1\]\| < ([\d.]+), else 0")


def constructor_of(fixture: Fixture) -> str:
    """Return the call that built the original: as `meta` has it, or as the table says."""
    if "constructor" in fixture.meta:
        return str(fixture.meta["constructor"])
    system, network = fixture.meta["system"], fixture.meta["network"]
    constructor = TRAINED[system][1].get(network)
    assert constructor, f"{fixture.path}: no network answers to {system}/{network}"
    if callable(constructor):
        return constructor(fixture)
    return constructor.format(classes=fixture.meta["classes"])


def recipe_of(fixture: Fixture) -> Recipe:
    """Return the recipe that `meta` describes; fail where it describes another kind of training."""
    meta = fixture.meta
    found = OPTIMISER.match(meta["optimiser"])
    assert found, f"{fixture.path}: another optimiser: {meta['optimiser']}"
    numbers: dict[str, Any] = {name: float(value) for name, value in found.groupdict().items()}
    loss: dict[str, Any] = {"loss.kind": "cross_entropy", "network.auxiliary_heads": False}
    if meta["loss"].startswith(PIDNET_LOSS):
        loss = {
            "loss.kind": "ohem_below",
            "loss.auxiliary_kind": "cross_entropy_of_all",
            "loss.ohem_threshold": float(meta["thresh"]),
            "loss.ohem_min_kept": meta["min_kept"],
        }
    else:
        assert meta["loss"].startswith(PLAIN_LOSS), f"{fixture.path}: another loss"
    steps, optimizer = int(numbers.pop("steps")), {"optimizer.weight_decay_on": "all"}
    optimizer |= {PATHS[name]: value for name, value in numbers.items()}
    return Recipe(
        name="parity",
        task="segmentation",
        source=meta["source"],
        batch_size=meta["input_shape"][0],
        steps=steps,
        precision="float64",
    ).replace(augment={"crop_size": tuple(meta["input_shape"][2:])}, **loss, **optimizer)


def batch(fixture: Fixture, step: int) -> dict[str, Any]:
    """Return images and labels of one step as the fixture's `data` says."""
    import tensorflow as tf

    meta = fixture.meta
    form = DATA.replace("CLASSES", str(meta["classes"])).replace("LAST", str(meta["classes"] - 1))
    assert meta["data"] == form, f"{fixture.path}: other data"
    salts = [f"{meta['salt']}step{step}image{i}" for i in range(meta["input_shape"][0])]
    made = images(fixture, salts)
    # In float32, as the original's: in float64 a pixel in a million gets another class.
    labels = np.clip(np.floor((made[..., 0] + 2) / 4 * meta["classes"]), 0, meta["classes"] - 1)
    labels = np.where(made[..., 2] > 1.5, 255, labels)
    found = {"image": tf.constant(made, tf.float64), "label": tf.constant(labels.astype(np.uint8))}
    if "edges" in meta:
        near = EDGES.fullmatch(meta["edges"])
        assert near, f"{fixture.path}: other edges: {meta['edges']}"
        edges = np.abs(made[..., 1]) < float(near[1])
        found["edges"] = tf.constant(edges.astype(np.uint8))
    return found


def has_heads(fixture: Fixture) -> bool:
    """Return whether the loss is that of all heads, which the network then has."""
    return recipe_of(fixture).network.auxiliary_heads


def images(fixture: Fixture, salts: list[str]) -> np.ndarray:
    """Return the rule's images of these salts, NHWC."""
    _, channels, height, width = fixture.meta["input_shape"]
    made = [load_rule().image(height, width, channels, salt) for salt in salts]
    return np.concatenate(made).transpose(0, 2, 3, 1)
