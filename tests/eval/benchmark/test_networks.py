"""`roadseg benchmark` on networks: every form is timed, and no ratio is printed."""

import json
import subprocess
from typing import Any

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("benchmarks are TensorFlow's", allow_module_level=True)

import roadseg
from roadseg.errors import RoadsegError
from roadseg.eval.benchmark import command, networks, runtimes
from roadseg.eval.benchmark.latency import Latency
from roadseg.eval.benchmark.networks import Subject, Timed, subjects
from roadseg.layers.heads import own_scale
from tests.support import weights_of_zeros


def test_graph_and_saved_model_of_a_network_are_timed_at_its_own_scale(capsys):
    argv = ["fast_scnn", "--size", "64x96", "--repeats", "2", "--warm-up", "1", "--json"]
    assert command.main(argv) == 0
    report = json.loads(capsys.readouterr().out)
    (row,) = report["rows"]
    assert {"Keras graph", "SavedModel"} <= set(row["times"])
    assert row["parameters"] == 1_138_051
    assert {"image", "device", "protocol"} <= set(report["conditions"])


# Side of an image over that of the logits, as the originals give them.
STRIDES = {"icnet": 1, "swiftnet": 4, "fast_scnn": 8}
# The same of each head of training.
HEADS = {
    "dfanet": {"logits": 4, "aux1": 4, "aux2": 8},
    "espnet": {"logits": 1, "aux": 8},
    "msfnet": {"logits": 1, "boundary": 8},
}


def sides(network: str, **options) -> Any:
    """Return height and width of what is timed of an image of 128x192, by head if it has several.

    Of a network without weights, which have no say in it.
    """
    with weights_of_zeros():
        model = own_scale(roadseg.create(network, 19, input_shape=(128, 192, 3), **options))
    if not isinstance(model.output, dict):
        return tuple(model.output.shape[1:3])
    return {head: tuple(output.shape[1:3]) for head, output in model.output.items()}


@pytest.mark.parametrize("name", STRIDES)
def test_a_network_is_timed_up_to_where_its_original_ends(name):
    assert sides(name) == (128 // STRIDES[name], 192 // STRIDES[name])


@pytest.mark.parametrize("name", HEADS)
def test_heads_of_training_are_timed_at_scales_of_their_own(name):
    expected = {head: (128 // stride, 192 // stride) for head, stride in HEADS[name].items()}
    assert sides(name, auxiliary_heads=True) == expected


def test_every_network_of_single_images_is_timed_by_its_title():
    found = subjects(["fast_scnn", "espnet"], {"q": 8}, 11)
    assert [one.title for one in found] == [
        "espnet (q=8, 11 classes)",
        "fast_scnn (q=8, 11 classes)",
    ]
    assert Subject("espnet", {}, 19).title == "espnet"


def test_the_table_has_times_and_no_ratio():
    times = {"Keras graph": Latency(40, 39, 41, 80), "OpenVINO": Latency(20, 19, 21, 40)}
    found = networks.table([Timed("net", 1_000_000, 10**9, times, {})])
    cells = [column._cells[0] for column in found.columns]
    assert cells == ["net", "1.000", "1.000", "40", "20"]


def test_an_interrupted_benchmark_shows_what_it_has_timed(monkeypatch, capsys):
    def interrupted_at_espnet(subject, *_):
        if subject.name == "espnet":
            raise KeyboardInterrupt
        latency = Latency(40, 39, 41, 80)
        return Timed(subject.title, 1_000_000, 10**9, {"Keras graph": latency}, {})

    monkeypatch.setattr(networks, "time_network", interrupted_at_espnet)
    with pytest.raises(KeyboardInterrupt):
        command.main(["dfanet", "espnet", "fast_scnn", "--size", "64x96"])
    shown = capsys.readouterr().out
    assert "dfanet" in shown and "fast_scnn" not in shown


def test_an_export_that_fails_is_one_line_with_its_reason():
    with pytest.raises(RoadsegError, match=r"fast_scnn: could not be exported.*32") as caught:
        with runtimes.exported("fast_scnn", 19, (65, 96), {}):
            pass
    assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)


def test_an_export_that_is_killed_is_not_blamed_on_the_last_line_of_its_log(monkeypatch):
    killed = subprocess.CompletedProcess([], -9, "", "I0000 no GPU here")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: killed)
    with pytest.raises(RoadsegError, match="signal 9; .*memory"):
        with runtimes.exported("fast_scnn", 19, (64, 96), {}):
            pass


def test_a_runtime_that_cannot_load_its_file_leaves_the_others_to_be_timed(tmp_path):
    (tmp_path / "saved_model").mkdir()
    ((title, load),) = runtimes.loaders(tmp_path, np.zeros((1, 64, 96, 3), np.float32), 1)
    assert title == "SavedModel"
    with pytest.raises(OSError):
        load()
