"""Schema files: read into declarations, written from them, respelt in place.

``read`` is the way in, ``write`` the way out, ``fmt`` keeps files in the one spelling.
Parsers are imported when a file is parsed: a boot that finds its files unchanged, which
``folder_digest`` tells, never needs them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from odac_db.schema.files.folder import folder_digest

if TYPE_CHECKING:
    from odac_db.schema.declaration import Declarations

__all__ = ["folder_digest", "read_folder"]


def read_folder(path: str | os.PathLike[str]) -> dict[str, Declarations]:
    """What a schema folder declares; see ``read.read_folder``."""
    from odac_db.schema.files.read import read_folder as read  # noqa: PLC0415  # see above

    return read(path)
