"""Starting from a part of a file: its backbone alone, or whatever fits by name and shape."""

from functools import partial

import keras
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from roadseg.models.original import Original
from roadseg.models.registry import MODELS
from roadseg.runs.run_folder import build_network
from roadseg.train.start.begin import load_start
from roadseg.train.start.fine_tune import class_dependent
from roadseg.weights.listing import compressed
from roadseg.weights.match import Match, match
from roadseg.weights.read import original_of
from roadseg.weights.rules import Part, rules_of_part
from tests.support import shared_folder
from tests.train import tiny
from tests.weights.originals import Arrays, network, published, values

NAME = "deeplabv3_mobilenet_v2"
small = partial(network, NAME, depth_multiplier=0.1)
ADE20K = "deeplabv3_mnv2_ade20k_int8_slim.npz"
IMAGENET = "mobilenet_v2_1.0_224_quant_slim.npz"
PASCAL = "deeplabv3_mnv2_dm05_pascal_257_slim.npz"
CITYSCAPES = "espnet_p2_q8_cityscapes.npz"
HEAD = ("image_pooling", "aspp0", "concat_projection", "logits")


def assign_part(
    model: keras.Model, arrays: Arrays, source: str, original: Original, part: Part, dependent=None
) -> Match:
    rules = rules_of_part(model, original, part, dependent, source)
    return match(model, arrays, source, rules).apply()


def slim(model: keras.Model, seed: int = 0) -> Arrays:
    """Return drawn values for every weight of a DeepLab, by TF-slim's names."""
    rng = np.random.default_rng(seed)
    name = MODELS[NAME].original.reference_name
    return {
        name(path): rng.uniform(0.5, 1, variable.shape).astype(np.float32)
        for path, (_, variable) in weights(model).items()
    }


def check_taken(model: keras.Model, before: Arrays, arrays: Arrays, taken: tuple[str, ...]) -> None:
    """Check that what is `taken` has the values of the source and nothing else was touched."""
    name = MODELS[NAME].original.reference_name
    for path, array in values(model).items():
        expected = arrays[name(path)] if path in taken else before[path]
        np.testing.assert_array_equal(array, expected, err_msg=path)


def test_the_backbone_comes_from_a_file_with_another_head_and_a_decoder():
    model, original = small(), original_of(NAME)
    before, arrays = values(model), slim(small(21))
    arrays |= {"aspp0/weights": np.zeros((1, 1, 3, 4)), "decoder/conv/weights": np.zeros(3)}
    assigned = assign_part(model, arrays, "file", original, "backbone")
    assert set(assigned.taken) == {path for path in before if path.startswith("backbone.")}
    check_taken(model, before, arrays, assigned.taken)
    assert f"{len(assigned.taken)} of {len(before)} variables" in str(assigned)
    assert (
        "; left in the source: image_pooling, aspp0, concat_projection, logits and 1 more (18)"
        in str(assigned)
    )
    assert f"; initialised: {', '.join(HEAD)} (17)" in str(assigned)


def test_the_classifier_of_a_published_backbone_is_left_in_the_file():
    model = small()
    arrays = {name: array for name, array in slim(model).items() if name.startswith("MobilenetV2")}
    arrays["MobilenetV2/Logits/Conv2d_1c_1x1/weights"] = np.zeros((1, 1, 4, 1001))
    assigned = assign_part(model, arrays, "file", original_of(NAME), "backbone")
    assert len(assigned.taken) == len(arrays) - 1
    assert "left in the source: MobilenetV2/Logits (1)" in str(assigned)


def test_a_backbone_that_is_not_whole_is_refused_and_nothing_set():
    model = small()
    before, arrays = values(model), slim(model)
    del arrays["MobilenetV2/expanded_conv_3/expand/weights"]
    message = (
        "file: the weights of another network than deeplabv3_mobilenet_v2, .*: it lacks "
        r"MobilenetV2/expanded_conv_3/expand/weights \(1 of 255\); .*fitting"
    )
    with pytest.raises(RoadsegError, match=message):
        assign_part(model, arrays, "file", original_of(NAME), "backbone")
    check_taken(model, before, arrays, ())


def test_a_backbone_of_another_width_is_refused_and_nothing_set():
    model = small()
    before, arrays = values(model), slim(network(NAME, depth_multiplier=0.2))
    message = r"file: MobilenetV2/.* has shape \(.*\), here it is \(.*; --start.part fitting takes"
    with pytest.raises(RoadsegError, match=message):
        assign_part(model, arrays, "file", original_of(NAME), "backbone")
    check_taken(model, before, arrays, ())


def test_a_network_without_a_backbone_by_a_name_says_so():
    model = network("espnet_c")
    with pytest.raises(RoadsegError, match="espnet_c has no backbone by a name; .*fitting"):
        assign_part(
            model, published(model, "espnet_c"), "file", original_of("espnet_c"), "backbone"
        )


def test_all_that_fits_is_taken_and_the_rest_stays():
    model = small()
    before, arrays = values(model), slim(small(21))
    arrays["decoder/conv/weights"] = np.zeros(3, np.float32)
    assigned = assign_part(model, arrays, "file", original_of(NAME), "fitting")
    assert assigned.kept == ("logits/kernel", "logits/bias")
    assert set(assigned.left) == {
        "logits/semantic/weights",
        "logits/semantic/biases",
        "decoder/conv/weights",
    }
    check_taken(model, before, arrays, assigned.taken)
    assert f"{len(before) - 2} of {len(before)} variables; initialised: logits (2); left " in str(
        assigned
    )


def test_a_file_of_which_nothing_fits_is_refused():
    model = small()
    with pytest.raises(
        RoadsegError, match=r"file: no variable of it fits .*; it holds encoder \(1"
    ):
        assign_part(model, {"encoder.a": np.zeros(3)}, "file", original_of(NAME), "fitting")


@pytest.mark.parametrize("scope", ["encoder.", ""])
def test_the_classifier_inside_espnets_encoder_is_no_part_of_its_backbone(scope: str):
    recipe = tiny.recipe(model="espnet", network={"options": {}})
    model = network("espnet", 6)
    before = values(model)
    arrays = published(network("espnet", 20), "espnet")
    if not scope:
        # As the encoder is published by itself.
        arrays = {n.removeprefix("encoder."): a for n, a in arrays.items() if "encoder." in n}
    assigned = assign_part(
        model,
        arrays,
        "file",
        original_of("espnet"),
        "backbone",
        lambda: class_dependent(recipe, model),
    )
    outside = {path for path in before if not path.startswith("encoder.")}
    assert set(assigned.kept) == outside | {"encoder.classifier.conv/kernel"}
    after = values(model)
    assert all(np.array_equal(after[path], before[path]) for path in assigned.kept)
    path = "encoder.level1.conv/kernel"
    expected = arrays[f"{scope}level1.conv.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(after[path], expected)


def test_modules_are_named_whole_where_nothing_of_them_is_elsewhere():
    names = ["a/x/weights", "a/y/weights", "b.x.weight", "c", "d/bias", "e/bias", "f/bias"]
    assert compressed(names) == "a, b, c, d and 2 more (7)"
    assert compressed(names[:3], ["a/z/weights"]) == "a/x, a/y, b (3)"


def start(source: str, part: str, **changes) -> tuple[Arrays, Arrays]:
    """Return the weights of a new network before and after it started from a part of `source`."""
    classes = changes.pop("classes")
    recipe = tiny.recipe(
        start={
            "initial_weights": source,
            "part": part,
        },
        **changes,
    )
    model = build_network(recipe, classes)
    before = values(model)
    load_start(recipe, model)
    return before, values(model)


def test_an_npz_of_our_names_gives_a_part_too(tmp_path, capsys):
    arrays = values(small(21))
    np.savez(tmp_path / "ours.npz", **arrays)
    options = {"depth_multiplier": 0.1}
    source = str(tmp_path / "ours.npz")
    _, after = start(source, "fitting", model=NAME, network={"options": options}, classes=11)
    for path, array in after.items():
        assert np.array_equal(array, arrays[path]) != path.startswith("logits"), path
    assert f"initial weights from {source}: fitting: 270 of 272 variables" in capsys.readouterr()[0]


HALF, STEM = {"depth_multiplier": 0.5}, {"q": 8, "fusion": "stem"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "part", "name", "options", "taken"),
    [
        (ADE20K, "backbone", NAME, {}, 255),
        (ADE20K, "fitting", NAME, {}, 270),
        (IMAGENET, "backbone", NAME, {}, 255),
        (PASCAL, "backbone", NAME, HALF, 255),
        (PASCAL, "fitting", NAME, HALF, 270),
        (PASCAL, "all", NAME, HALF, 270),  # all but the layers of other classes
        (CITYSCAPES, "backbone", "espnet", STEM, 153),
        (CITYSCAPES, "fitting", "espnet", STEM, 153),
        (CITYSCAPES, "all", "espnet", STEM, 153),
    ],
)
def test_published_files_start_a_network_for_camvid(file, part, name, options, taken, capsys):
    source = shared_folder("weights", file)
    start(str(source), part, model=name, network={"options": options}, classes=12)
    out = capsys.readouterr()[0]
    named = "" if part == "all" else f"{part}: "
    assert f"{file}: {named}{taken} of " in out and out.count("\n") == 1
    assert part != "all" or "initialised, other classes: " in out


@pytest.mark.slow
@pytest.mark.parametrize("file", [ADE20K, IMAGENET])  # a decoder more, a head less
def test_published_files_of_another_network_are_no_whole_start(file):
    source = str(shared_folder("weights", file))
    with pytest.raises(RoadsegError, match=file):
        start(source, "all", model=NAME, network={"options": {}}, classes=12)


def test_a_part_needs_weights_that_it_is_a_part_of():
    from roadseg.train.check import check_recipe

    recipe = tiny.recipe(
        model="fast_scnn", augment={"crop_size": (64, 64)}, start={"part": "backbone"}
    )
    with pytest.raises(RoadsegError, match="--start.part backbone: wanted .*--start.initial-w"):
        check_recipe(recipe, tiny.TABLE)
    check_recipe(recipe.replace(start={"initial_weights": "file.npz"}), tiny.TABLE)
