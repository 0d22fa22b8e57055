"""Lists as PostgreSQL's array input reads them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def braced(values: Sequence[Any], each: Callable[[Any], Any]) -> str:
    """The text of the list, every element in quotes."""
    parts = []
    for value in values:
        if value is None:
            parts.append("NULL")
        elif isinstance(value, (list, tuple)):
            parts.append(braced(value, each))
        else:
            found = each(value)
            text = "\\x" + found.hex() if isinstance(found, bytes) else str(found)
            parts.append('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return "{" + ",".join(parts) + "}"
