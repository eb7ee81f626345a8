"""The layers that lose most stay in float; the file that remains is the best one tried."""

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from roadseg.export.precision.search import Search

IMAGES = [np.zeros((10, 10, 3), np.uint8)]
LABELS = [np.zeros((10, 10), np.int32)]


class Faked:
    """A file of which each layer in 8 bits spoils a known number of its 100 labels."""

    weight_bits = 7
    groups = 4
    ways: tuple[str, ...] = ("usual",)
    way = "usual"

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
    kept = Search(faked, tmp_path, IMAGES, LABELS).first()
    assert kept.layers == () and faked.written == [frozenset()]
    assert kept.to_card(faked) == {
        "weight_bits": 7,
        "ranges": "usual",
        "layers": 4,
        "layers_in_float": [],
        "other_labels_all_in_8_bits": 0.0,
        "other_labels": 0.0,
    }


class OfTwoWays(Faked):
    """One whose ranges can be taken in a second way, in which other layers spoil labels."""

    ways = ("usual", "other")

    def __init__(self, usual: dict[str, int], other: dict[str, int]) -> None:
        super().__init__(usual, usual)
        self.by_way = {"usual": usual, "other": other}
        self.written_by: list[str] = []

    def write(self, path: Path, floats: Collection[str] = ()) -> None:
        self.spoils = self.by_way[self.way]
        self.written_by.append(self.way)
        super().write(path, floats)


def test_ranges_are_taken_in_another_way_where_the_usual_one_loses_much(tmp_path: Path) -> None:
    faked = OfTwoWays({"a": 3, "b": 0}, {"a": 1, "b": 0})
    kept = Search(faked, tmp_path, IMAGES, LABELS).first()
    assert faked.written_by == ["usual", "other"] and kept.layers == ()
    assert kept.to_card(faked)["ranges"] == "other" and kept.other_before == 0.01


def test_the_usual_way_stays_where_it_is_enough_or_the_best(tmp_path: Path) -> None:
    enough = OfTwoWays({"a": 1}, {"a": 0})
    Search(enough, tmp_path, IMAGES, LABELS).first()
    assert enough.written_by == ["usual"]
    # No group may stay in float, so that the first file has to be written again.
    best = OfTwoWays({"a": 3}, {"a": 4})
    kept = Search(best, tmp_path, IMAGES, LABELS).first()
    assert best.written_by[-1] == best.way == "usual" and kept.other_after == 0.03


def test_the_group_that_loses_most_stays_in_float(tmp_path: Path) -> None:
    faked = Faked({"a": 1, "b": 30, "c": 0, "d": 0}, "abcd")
    kept = Search(faked, tmp_path, IMAGES, LABELS).first()
    assert kept.layers == ("b",)
    assert (kept.other_before, kept.other_after) == (0.31, 0.01)
    assert faked.written[-1] == {"b"}


def test_layers_without_weights_go_first_where_that_is_enough(tmp_path: Path) -> None:
    faked = Faked({"conv": 0, "pool": 20, "head": 1, "sum": 10}, ("conv", "head"))
    kept = Search(faked, tmp_path, IMAGES, LABELS).first()
    assert kept.layers == ("pool", "sum")
    assert len(faked.written) == 2  # all in 8 bits, and those in float


def test_no_more_than_half_of_the_groups_stays_in_float(tmp_path: Path) -> None:
    faked = Faked({"a": 10, "b": 20, "c": 5, "d": 15}, "abcd")
    kept = Search(faked, tmp_path, IMAGES, LABELS).first()
    assert kept.layers == ("b", "d")
    assert kept.other_after == 0.15
    assert faked.written[-1] == {"b", "d"}


def test_a_file_that_lost_too_much_goes_on_from_where_it_was(tmp_path: Path) -> None:
    faked = Faked({"a": 1, "b": 30, "c": 0, "d": 0, "e": 4, "f": 0}, "abcdef")
    faked.groups = 6
    search = Search(faked, tmp_path, IMAGES, LABELS)
    assert search.first().layers == ("b", "e")  # 1 % lost
    further = search.further()
    assert further is not None and further.layers == ("a", "b", "e")
    assert (further.other_before, further.other_after) == (0.35, 0.0)
    assert faked.written[-1] == {"a", "b", "e"}
    # Nothing is lost any more, and the file that is there stays.
    assert search.further() is None and faked.written[-1] == {"a", "b", "e"}


def test_going_on_starts_the_search_that_was_not_needed(tmp_path: Path) -> None:
    faked = Faked({"conv": 1, "pool": 0, "head": 0, "sum": 0}, ("conv", "head"))
    search = Search(faked, tmp_path, IMAGES, LABELS)
    assert search.first().layers == () and len(faked.written) == 1
    further = search.further()
    assert further is not None and further.layers == ("conv",) and further.other_after == 0.0


def test_layers_without_weights_may_be_what_is_missing(tmp_path: Path) -> None:
    faked = Faked({"conv": 0, "pool": 1, "head": 0, "sum": 0}, ("conv", "head"))
    search = Search(faked, tmp_path, IMAGES, LABELS)
    search.first()
    further = search.further()
    assert further is not None and further.layers == ("pool", "sum")


def test_where_half_of_the_groups_is_in_float_the_search_ends(tmp_path: Path) -> None:
    faked = Faked({"a": 10, "b": 20, "c": 5, "d": 15}, "abcd")
    search = Search(faked, tmp_path, IMAGES, LABELS)
    search.first()
    assert search.further() is None
    assert faked.written[-1] == {"b", "d"}


class BestInEightBits(Faked):
    """A file that loses more the more of it is in float."""

    def run(self, path: Path) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        labels = (np.arange(100) <= len(self.written[-1])).astype(np.int32).reshape(1, 10, 10)
        return lambda images: {"labels": labels}


def test_the_best_file_is_there_when_more_in_float_saved_nothing(tmp_path: Path) -> None:
    faked = BestInEightBits(dict.fromkeys("abcd", 0), "abcd")
    search = Search(faked, tmp_path, IMAGES, LABELS)
    assert search.first().layers == ()
    assert search.further() is None
    assert len(faked.written) > 2 and faked.written[-1] == frozenset()
