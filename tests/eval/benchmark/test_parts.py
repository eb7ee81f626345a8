"""`roadseg benchmark --layers`: layers of one name are timed as a network of their own."""

import json

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("benchmarks are TensorFlow's", allow_module_level=True)

import roadseg
from roadseg.errors import RoadsegError
from roadseg.eval.benchmark import command
from roadseg.eval.benchmark.parts import part_of

SIZE = (64, 96)


@pytest.fixture(scope="module")
def model():
    return roadseg.create("sfnet_resnet18", 19, input_shape=(*SIZE, 3), include_preprocessing=False)


def test_a_part_alone_gives_what_it_gives_in_the_network(model):
    part = part_of(model, "fpn_out_align")
    image = np.random.default_rng(0).normal(size=(1, *SIZE, 3)).astype(np.float32)
    given = keras.Model(model.input, part.inputs)(image)
    alone = keras.Model(part.inputs, part.outputs)(given)
    expected = keras.Model(model.input, part.outputs)(image)
    assert len(alone) == 3
    for one, other in zip(alone, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_a_part_is_exactly_the_layers_whose_names_hold_the_text(model):
    part = part_of(model, "fpn_out_align.1")
    kinds = ("down_h", "down_l", "up", "concatenated", "flow_make", "warped")
    assert set(part.layers) == {f"head.fpn_out_align.1.{kind}" for kind in kinds}
    assert len(part.inputs) == 2 and len(part.outputs) == 1


def test_the_whole_and_its_parts_are_printed_with_their_shares(capsys):
    argv = ["sfnet_resnet18", "--size", "64x96", "--repeats", "2", "--warm-up", "1", "--json"]
    assert command.main([*argv, "--layers", "fpn_out_align", ".warped"]) == 0
    report = json.loads(capsys.readouterr().out)
    whole, modules, warps = report["rows"]
    assert (whole["part"], whole["share"]) == ("", 1.0)
    assert (modules["part"], modules["layers"]) == ("fpn_out_align", 18)
    assert (warps["part"], warps["layers"]) == (".warped", 3)
    share = warps["time"]["median_ms"] / whole["time"]["median_ms"]
    assert warps["share"] == pytest.approx(share)
    assert {"part", "device", "image"} <= set(report["conditions"])


@pytest.mark.parametrize("text", ["no_such_layer", ""])
def test_a_text_that_names_no_layer_is_refused(model, text):
    with pytest.raises(RoadsegError, match="no layer of sfnet_resnet18 has that in its name"):
        part_of(model, text)


def test_parts_of_anything_but_plain_networks_are_refused():
    with pytest.raises(RoadsegError, match="networks alone"):
        command.main(["sfnet_resnet18", "--layers", "x", "--labels"])
