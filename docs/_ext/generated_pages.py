"""Writes the pages that are made from the code into docs/_generated, before Sphinx reads them."""

import importlib
from pathlib import Path
from typing import Any

FOLDER = "_generated"
PAGES = {
    "models.md": "pages_models",
    "recipe_fields.md": "pages_recipes",
    "recipe_table.md": "pages_recipes",
    "cli.md": "pages_cli",
    "arrows.md": "pages_arrows",
    "api": "pages_api",
}
"""File or folder of pages -> module beside this one that gives its text."""


def write(folder: Path) -> list[Path]:
    """Write every generated page below `folder` and return the files; unchanged ones stay."""
    written = []
    for name, module in PAGES.items():
        made = importlib.import_module(module)
        pages: dict[str, str] = made.pages(name)
        for file, text in pages.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
            written.append(path)
    for path in folder.rglob("*.md"):
        if path not in written:
            path.unlink()
    return written


def _on_start(app: Any) -> None:
    write(Path(app.srcdir) / FOLDER)


def setup(app: Any) -> dict[str, Any]:
    """Let Sphinx write the pages before it looks for files."""
    app.connect("config-inited", lambda app, config: _on_start(app))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
