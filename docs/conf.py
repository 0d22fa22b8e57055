"""How the documentation is built: ``make docs``."""

from importlib import metadata

project = "odac-db"
copyright = "2026, odac-db contributors"  # noqa: A001 - Sphinx's word
release = metadata.version("odac-db")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "odac-db"
