"""Which networks the page shows beside each other, and what each is asked."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.page.panels import Panel, load_panels
from tests.eval.page.served import Bright, bright, halves
from tests.eval.runs import TABLE
from tests.eval.small_runs import TABLE as OTHER
from tests.support import on_tensorflow


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Let `load_inference` give bright networks; return what it was asked for."""
    asked: list[tuple[Any, ...]] = []

    def load(model: str, step: Any = None, mirror: Path | None = None) -> Bright:
        asked.append((model, step, mirror))
        return bright(title=model, label_table=OTHER if model == "other" else TABLE)

    monkeypatch.setattr("roadseg.runs.load.load_inference", load)
    return asked


def test_a_plain_network_stands_alone_and_another_beside_it(
    loaded: list[tuple[Any, ...]],
) -> None:
    assert [panel.name for panel in load_panels("first", 7)] == ["first"]
    assert [panel.name for panel in load_panels("first", None, "second")] == ["first", "second"]
    load_panels("first", 7, "dabnet/cityscapes", Path("weights"))
    assert loaded == [
        ("first", 7, None),
        ("first", None, None),
        ("second", None, None),
        ("first", 7, Path("weights")),
        ("dabnet/cityscapes", None, Path("weights")),
    ]


def test_networks_of_other_classes_are_not_compared(loaded: list[tuple[Any, ...]]) -> None:
    with pytest.raises(RoadsegError, match="^--beside other: has other classes than first; name"):
        load_panels("first", None, "other")


@on_tensorflow
def test_a_network_behind_learned_sampling_is_shown_on_even_samples_too(tmp_path: Path) -> None:
    import roadseg
    from roadseg.sampling import SampledSegmenter, uniform_grid
    from tests.export.support import small_segmenter

    assert roadseg.load
    made = small_segmenter()
    made(np.zeros((1, 48, 64, 3), np.float32))
    made.save(tmp_path / "sampled.keras")
    learned, even = load_panels(str(tmp_path / "sampled.keras"))
    assert learned.name == "sampled.keras: 24×32 samples, nus" and learned.note == ""
    assert even.name == "24×32 samples, uniform" and "nus" in even.note
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    found, evenly = learned.find(image), even.find(image)
    by_hand = SampledSegmenter(made.network, "uniform", (24, 32)).labels(image[None])[0]
    np.testing.assert_array_equal(evenly.labels, by_hand)
    np.testing.assert_allclose(
        evenly.locations, np.reshape(uniform_grid((24, 32)), (-1, 2)), atol=1e-6
    )
    assert np.abs(found.locations - evenly.locations).max() > 0.01
    assert found.confidence is not None and found.confidence.shape == (60, 80)


def test_the_time_is_that_of_a_size_seen_before() -> None:
    """Whatever a network prepares for a size is done before the time is taken."""
    calls: list[str] = []

    class Slow:
        has_logits = True

        def predict_confidence(self, image: np.ndarray) -> np.ndarray:
            calls.append("confidence")
            return np.ones(image.shape[:2], np.float32)

        def __call__(self, image: np.ndarray) -> Any:
            calls.append("labels")
            return SimpleNamespace(labels=np.zeros(image.shape[:2], np.int32), locations=None)

    found = Panel(Slow(), "slow").find(halves())  # type: ignore[arg-type]
    assert calls == ["confidence", "labels"]
    assert found.labels.dtype == np.uint8 and found.milliseconds >= 0
