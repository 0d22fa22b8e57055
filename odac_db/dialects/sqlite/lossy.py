"""When changing a column may lose data on SQLite. Pure."""

from __future__ import annotations

from odac_db.dialects.base import Features
from odac_db.dialects.sqlite.casts import loss
from odac_db.schema.model import Column


def lossy(before: Column, after: Column, features: Features) -> str | None:
    """Why values may be lost, or None. Lengths are not: SQLite does not enforce them."""
    if after.generated is not None and before.generated is None:
        return "the values are replaced by computed ones"
    reason = loss(before.type, after.type)
    return f"{before.type or 'no type'} to {after.type or 'no type'}: {reason}" if reason else None
