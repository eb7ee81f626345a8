"""Pages written by hand agree with the code, and their links lead somewhere."""

import ast
import dataclasses
import json
import re
from pathlib import Path

import pytest

from tests.support import REPOSITORY

DOCS = REPOSITORY / "docs"
README = REPOSITORY / "README.md"
PAGES = [
    README,
    REPOSITORY / "CONTRIBUTING.md",
    REPOSITORY / "CHANGELOG.md",
    *(path for path in sorted(DOCS.rglob("*.md")) if "_generated" not in path.parts),
]
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
# Words of the project's own that the field has others for.
AVOIDED = re.compile(
    r"\b(trunks?|way back|stays? behind|likewise|brought back|of one's own)\b", re.IGNORECASE
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_files_lead_somewhere(page: Path) -> None:
    targets = _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8")))
    made = [target for target in targets if "_generated" in target]
    assert not [t for t in targets if t not in made and not (page.parent / t).exists()]


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.read_text(encoding="utf-8").split()) <= 1700


def test_figures_of_networks_in_the_readme_are_the_measured_ones() -> None:
    from roadseg.models.registry import MODELS

    data = json.loads((DOCS / "data" / "networks.json").read_text(encoding="utf-8"))
    times = {row["network"].strip("`"): row["ms"] for row in data["latency"]["rows"]}
    times["espnet"] = times["espnet` p 2, q 3"]
    rows = re.findall(
        r"^\| `(\w+)` \| ([\d.]+) \| ([\d.]+) \| (\d+) \|$",
        README.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(rows) == 12
    for name, parameters, operations, latency in rows:
        assert parameters == f"{MODELS[name].parameters / 1e6:.3f}", name
        assert operations == data["multiply_adds"]["networks"][name]["512x1024"], name
        found = times[name].values()
        assert int(latency) == min(time for time in found if isinstance(time, int)), name


def test_the_readme_counts_the_networks() -> None:
    from roadseg.models.registry import MODELS

    assert f"roadseg has {len(MODELS)} networks" in README.read_text(encoding="utf-8")


def test_every_command_is_in_the_readme() -> None:
    from roadseg.cli import COMMANDS

    text = README.read_text(encoding="utf-8")
    table = text[text.index("## Commands") : text.index("## Agreement")]
    assert set(COMMANDS) <= set(re.findall(r"[a-z]+(?:-[a-z]+)?", table))


def test_keys_of_a_run_are_documented() -> None:
    page = (DOCS / "run_folder.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    source = ast.parse((REPOSITORY / "eval" / "store.py").read_text(encoding="utf-8"))
    keys = {
        key.value
        for node in ast.walk(source)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id in ("event", "best")
        for key in node.value.keys
        if isinstance(key, ast.Constant)
    }
    assert len(keys) > 10 and keys <= named


def test_old_names_of_all_fields_are_in_the_changelog() -> None:
    from roadseg.recipe.old_format import NEW_NAMES, NEW_VALUES

    text = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    missing = [f"| `{old}` | `{new}` |" for old, new in NEW_NAMES.items()]
    missing += [f"`{old}`" for (_, old) in NEW_VALUES]
    assert not [row for row in missing if row not in text]


def test_no_page_and_no_message_names_a_flag_of_version_0_1() -> None:
    from roadseg.command_line.old_flags import OLD_FLAGS
    from roadseg.recipe.fields import SHORT
    from roadseg.recipe.old_format import NEW_NAMES

    # Of other commands, or short for the new name.
    known = {*SHORT, "target_classes"}
    old = [name.replace("_", "-") for name in NEW_NAMES if name not in known]
    wrong = [rf"(?<![\w-])--(?:{'|'.join(old)})(?![\w.-])"]
    wrong += [
        rf"roadseg {command}\b[^`\n]* (?:{'|'.join(flags)})(?![\w.-])"
        for command, flags in OLD_FLAGS.items()
    ]
    found = re.compile("|".join(wrong))
    assert found.search("roadseg benchmark NAMES --part a") and found.search("--crop-size 8 8")
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]
    for page in (*pages, *sorted((DOCS / "data").glob("*.json"))):
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        assert not [match[0] for match in found.finditer(text)], page.name


def test_every_field_of_a_recipe_says_what_it_means() -> None:
    """The page of recipes is made of these texts."""
    ModuleAnalyzer = pytest.importorskip("sphinx.pycode").ModuleAnalyzer

    from roadseg.recipe.groups import GROUPS, Top

    for kind in (Top, *GROUPS.values()):
        texts = ModuleAnalyzer.for_module(kind.__module__).find_attr_docs()
        names = {field.name for field in dataclasses.fields(kind)}
        assert {(kind.__name__, name) for name in names} <= set(texts)


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name not in ("messages.md",)],
    ids=lambda page: page.name,
)
def test_prose_uses_the_words_of_the_field(page: Path) -> None:
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    assert not [found[0] for found in AVOIDED.finditer(text)]
