"""The layers that lose most stay in float; the file that remains is the best one tried."""

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from roadseg.export.precision.search import write_in_8_bits

IMAGES = [np.zeros((10, 10, 3), np.uint8)]
LABELS = [np.zeros((10, 10), np.int32)]


class Faked:
    """A file of which each layer in 8 bits spoils a known number of its 100 labels."""

    weight_bits = 7
    groups = 4

    def __init__(self, spoils: dict[str, int], weighted: Collection[str]) -> None:
        self.spoils = spoils
        self.layers = list(spoils)
        self.convolutions = list(weighted)
        self.kernels: dict[str, str] = {}
        self.written: list[frozenset[str]] = []

    def write(self, path: Path, floats: Collection[str] = ()) -> None:
        self.written.append(frozenset(floats))

    def run(self, path: Path) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        lost = sum(self.spoils[name] for name in self.layers if name not in self.written[-1])
        labels = (np.arange(100) < lost).astype(np.int32).reshape(1, 10, 10)
        return lambda images: {"labels": labels}


def test_a_network_that_loses_nothing_is_all_in_8_bits(tmp_path: Path) -> None:
    faked = Faked(dict.fromkeys("abcd", 0), "abcd")
    kept = write_in_8_bits(faked, tmp_path, IMAGES, LABELS)
    assert kept.layers == () and faked.written == [frozenset()]
    assert kept.to_card(faked) == {
        "weight_bits": 7,
        "layers": 4,
        "layers_in_float": [],
        "other_labels_all_in_8_bits": 0.0,
        "other_labels": 0.0,
    }


def test_the_group_that_loses_most_stays_in_float(tmp_path: Path) -> None:
    faked = Faked({"a": 1, "b": 30, "c": 0, "d": 0}, "abcd")
    kept = write_in_8_bits(faked, tmp_path, IMAGES, LABELS)
    assert kept.layers == ("b",)
    assert (kept.other_before, kept.other_after) == (0.31, 0.01)
    assert faked.written[-1] == {"b"}


def test_layers_without_weights_go_first_where_that_is_enough(tmp_path: Path) -> None:
    faked = Faked({"conv": 0, "pool": 20, "head": 1, "sum": 10}, ("conv", "head"))
    kept = write_in_8_bits(faked, tmp_path, IMAGES, LABELS)
    assert kept.layers == ("pool", "sum")
    assert len(faked.written) == 3  # all in 8 bits, those in float, and the one that remains


def test_no_more_than_half_of_the_groups_stays_in_float(tmp_path: Path) -> None:
    faked = Faked({"a": 10, "b": 20, "c": 5, "d": 15}, "abcd")
    kept = write_in_8_bits(faked, tmp_path, IMAGES, LABELS)
    assert kept.layers == ("b", "d")
    assert kept.other_after == 0.15
    assert faked.written[-1] == {"b", "d"}
