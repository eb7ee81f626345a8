"""The page in headless Chromium: what a person sees after choosing a picture."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.eval.page.served import bright, page

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_chosen_picture_is_shown_with_labels_legend_and_time(tmp_path: Path) -> None:
    with page(bright()) as (host, port):
        done = subprocess.run(
            [
                str(CHROMIUM),
                *("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"),
                *("--virtual-time-budget=20000", "--dump-dom"),
                f"http://{host}:{port}/#example=1",
            ],
            capture_output=True,
            text=True,
            timeout=180,
        )
    shown = done.stdout
    assert re.search(r'<section id="result"(?! hidden)', shown), done.stderr[-2000:]
    assert re.search(r"<strong>\d+ ms</strong> · 640×480 pixels · mean confidence 50\s%", shown)
    legend = re.findall(r"</svg>(\w+)<small>([\d.]+)\s%", shown)
    assert [name for name, _ in legend] in (["ground", "wall"], ["wall", "ground"])
    assert sum(float(share) for _, share in legend) == pytest.approx(100, abs=1)
    assert '<canvas class="under" width="640" height="480">' in shown
    assert re.search(r'<div id="alert"[^>]* hidden=""></div>', shown)
