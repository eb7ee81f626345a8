"""The code blocks of the tutorials run, in order, as a reader would type them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.run_page import blocks
from tests.support import REPOSITORY, on_tensorflow, shared_root

PAGES = sorted((REPOSITORY / "docs" / "tutorials").glob("*.md"))
LIMIT_S = 1800  # a page takes under three minutes on two idle cores; this ends one that hangs


def test_blocks_are_found_with_their_lines_and_comments() -> None:
    page = "a\n```bash\nls\n```\n<!-- not run: large -->\n```python\nx = 1\ny = 2\n```\n"
    page += "```text\nz\n```\n"
    page += "<!-- needs: weights -->\n```python\nz = 3\n```\n"
    found = list(blocks(page))
    assert [(b.language, b.text, b.line) for b in found] == [
        ("bash", "ls\n", 3),
        ("python", "x = 1\ny = 2\n", 7),
        ("python", "z = 3\n", 15),
    ]
    assert [b.skipped for b in found] == ["", "large", ""]
    assert [b.needs for b in found] == ["", "", "weights"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_most_blocks_of_a_page_are_run(page: Path) -> None:
    found = list(blocks(page.read_text(encoding="utf-8")))
    assert sum(not block.skipped for block in found) >= 2
    assert sum(bool(block.skipped) for block in found) <= 1
    assert {block.needs for block in found} <= {"", "weights"}


@on_tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_runs(page: Path, tmp_path: Path) -> None:
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shared = shared_root() / "weights"
    if "ROADSEG_WEIGHTS" not in environment and shared.is_dir():
        environment["ROADSEG_WEIGHTS"] = str(shared)
    if "needs: weights" in page.read_text(encoding="utf-8") and not environment.get(
        "ROADSEG_WEIGHTS"
    ):
        pytest.skip("ROADSEG_WEIGHTS names no folder of published weights")
    script = REPOSITORY / "tests" / "docs" / "run_page.py"
    done = subprocess.run(
        [sys.executable, str(script), str(page)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout[-4000:]
