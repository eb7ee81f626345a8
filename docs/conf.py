"""Configuration of the documentation: `make docs` builds it into build/docs."""

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "roadseg"
author = "the roadseg authors"
copyright = "the roadseg authors"  # noqa: A001
release = importlib.metadata.version("roadseg")

extensions = ["myst_parser", "sphinx.ext.autodoc", "plain_docstrings", "generated_pages"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_ext", "data", "_generated/*.md", "results/exports_notes.md"]
default_role = "code"
html_theme = "furo"
html_title = f"roadseg {release}"
html_copy_source = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
maximum_signature_line_length = 88
