"""The page in headless Chromium: what a person sees who drops pictures, a film and nonsense.

Needs `pip install playwright` and Debian's `chromium`; skipped without.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.eval.page.served import bright, halves, page, png
from tests.eval.page.test_uploads import film

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
LIMIT_MS = 120_000


@pytest.fixture
def shown() -> Iterator[Any]:
    """Yield the page, opened; whatever it logs or asks of other hosts fails the test."""
    driver = pytest.importorskip("playwright.sync_api")
    with page(bright()) as (host, port), driver.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1200, "height": 900})
        opened.set_default_timeout(LIMIT_MS)
        wrong: list[str] = []
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on(
            "request",
            lambda request: (
                wrong.append(request.url)
                if not request.url.startswith((f"http://{host}:{port}/", "blob:", "data:"))
                else None
            ),
        )
        opened.goto(f"http://{host}:{port}/")
        opened.wait_for_selector("#example-list img")
        yield opened
        browser.close()
        assert not wrong


def choose(shown: Any, *files: Path) -> None:
    """Choose files, and wait until all are labelled."""
    shown.set_input_files("#files", list(files))
    shown.wait_for_selector("#progress", state="hidden")


def colour_at(shown: Any, x: int, y: int) -> list[int]:
    return shown.eval_on_selector(
        ".under", f"c => Array.from(c.getContext('2d').getImageData({x}, {y}, 1, 1).data)"
    )[:3]


def test_a_drawn_street_is_labelled_at_a_click(shown: Any) -> None:
    shown.click("#example-list button >> nth=0")
    shown.wait_for_selector("#result:not([hidden])")
    shown.wait_for_selector("#legend li")
    told = shown.inner_text(".told")
    assert re.fullmatch(r"\d+ ms · 640×480 pixels · mean confidence 50\s%", told)
    legend = dict(re.findall(r"(\w+)\s([\d.]+)\s%", shown.inner_text("#legend")))
    assert set(legend) == {"ground", "wall"}
    assert sum(map(float, legend.values())) == pytest.approx(100, abs=1)


def test_colours_confidence_and_samples_are_those_of_the_answer(shown: Any, tmp_path: Path) -> None:
    (tmp_path / "halves.png").write_bytes(png(halves(60, 80)))
    choose(shown, tmp_path / "halves.png")
    shown.wait_for_selector("#legend li")
    shown.fill("#strength", "100")
    np.testing.assert_array_equal(colour_at(shown, 10, 30), (90, 60, 90))  # ground
    np.testing.assert_array_equal(colour_at(shown, 70, 30), (70, 70, 70))  # wall
    shown.click("#mode-confidence")
    # (0.5 - 0.3) / 0.7 of the ramp: just past the second of its five colours.
    np.testing.assert_allclose(colour_at(shown, 10, 30), (53, 91, 140), atol=6)
    shown.check("#samples")
    white = shown.eval_on_selector(
        ".dots",
        "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
        " for (let i = 3; i < d.length; i += 4) n += d[i] > 200; return n; }",
    )
    assert 0 < white < 200
    shown.hover(".picture", position={"x": 10, "y": 10})
    assert re.fullmatch(r"here: ground · 50\s%", shown.inner_text(".here"))


def test_a_film_is_played_frame_by_frame(shown: Any, tmp_path: Path) -> None:
    choose(shown, film(tmp_path / "film.mp4", 12))
    shown.wait_for_selector("#legend li")
    assert shown.inner_text("#moment") == "0.00 s · 1 of 12"
    shown.fill("#frame", "5")
    assert shown.inner_text("#moment") == "0.50 s · 6 of 12"
    shown.click("#play")
    shown.wait_for_timeout(1500)
    shown.click("#play")
    assert shown.inner_text("#moment") != "0.50 s · 6 of 12"
    assert shown.inner_text("#play") == "Play"


def test_what_is_refused_is_one_line_and_the_rest_goes_on(shown: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    (tmp_path / "<b>.png").write_bytes(png(halves()))
    choose(shown, tmp_path / "bad.png", tmp_path / "<b>.png")
    assert shown.inner_text("#alert").startswith("bad.png: not a whole image")
    shown.wait_for_selector("#legend li")
    choose(shown, tmp_path / "<b>.png")
    assert not shown.is_visible("#alert")
    assert shown.get_attribute("#strip img >> nth=1", "alt") == "<b>.png"
