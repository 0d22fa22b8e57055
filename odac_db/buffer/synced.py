"""How much of a journal would survive a loss of power, and what the disk has refused to keep."""

from __future__ import annotations

import os
from pathlib import Path

from odac_db.buffer.files import End
from odac_db.errors import JournalFailed

_ANYWHERE = 1 << 62
"""In a segment: what is added while the disk refuses stands behind what it has not kept."""


class Synced:
    """``upto`` is kept, but for what the disk refused: that is never asked for again.

    The kernel may have dropped the bytes, and would say yes.
    """

    def __init__(self) -> None:
        self.upto = End(0, 0)
        self._broken: list[tuple[End, End]] = []

    def holds(self, upto: End) -> bool:
        """Whether that is so without another look."""
        return self.upto >= upto and not self._broken

    def check(self, folder: Path, upto: End) -> None:
        if any(good < upto <= end for good, end in self._broken):
            raise JournalFailed(str(folder), "the disk could not keep this part")

    def ask(self, folder: Path, file: int, end: End) -> None:
        """Syncs the file, which is written up to there. Raises JournalFailed."""
        try:
            os.fdatasync(file)
        except OSError as error:
            self._broken.append((self.upto, End(end.segment, _ANYWHERE)))
            raise JournalFailed(str(folder), error.strerror or str(error)) from error
        self.upto = max(self.upto, end)

    def is_broken_since(self, segment: int) -> bool:
        return any(end.segment >= segment for _, end in self._broken)
