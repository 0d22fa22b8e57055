"""What a cached read returns: rows that nobody can change."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rows:
    """Column names, and rows in their order. ``strange``: the session was not like others."""

    keys: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    strange: bool = False

    def size(self) -> int:
        """About how many bytes of memory they take."""
        measure = sys.getsizeof
        return 200 + sum(measure(row) + sum(map(measure, row)) for row in self.rows)
