"""What CONTRIBUTING.md and docs/architecture.md name is where they say."""

import re

import pytest

from tests.support import REPOSITORY

PAGES = ("CONTRIBUTING.md", "docs/architecture.md")
ROOTS = "research|nus_native|data_conversion|train|eval|export|tests|docs"
PATH = re.compile(rf"`((?:{ROOTS})/[\w/.]*)`")
NAME_IN = re.compile(rf"`(\w+)`(?: and `(\w+)`)? (?:of|in) `((?:{ROOTS})/[\w/.]+\.py)`")
IN_NAME = re.compile(rf"`((?:{ROOTS})/[\w/.]+\.py)`: one (?:entry|`\w+`) in `(\w+)`")


@pytest.mark.parametrize("page", PAGES)
def test_files_and_folders_exist(page):
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    found = {path for path in PATH.findall(text) if "NAME" not in path and "..." not in path}
    assert len(found) > 5
    assert not [path for path in sorted(found) if not (REPOSITORY / path).exists()]


def test_names_are_in_the_files_that_are_said_to_hold_them():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    pairs = {(name, path) for *names, path in NAME_IN.findall(text) for name in names if name}
    pairs |= {(name, path) for path, name in IN_NAME.findall(text)}
    assert len(pairs) > 5
    for name, path in sorted(pairs):
        if "NAME" in path:
            continue
        source = (REPOSITORY / path).read_text(encoding="utf-8")
        assert re.search(rf"\b{name}\b", source), f"{path} has no {name}"
