"""Where rows are asked: the connection, its server, and the schema before and after."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from odac_db.dialects.base import Dialect, Features
from odac_db.dialects.conversion import Conversion
from odac_db.schema.changes import AlterColumn
from odac_db.schema.model import Schema


@dataclass(frozen=True, kw_only=True)
class Site:
    """``desired`` tells the values of enum types that are yet to be made."""

    conn: Connection
    dialect: Dialect
    features: Features
    live: Schema
    desired: Schema = field(default_factory=Schema)

    def conversion(self, change: AlterColumn) -> Conversion:
        """What the server makes of the column's values."""
        return self.dialect.conversion(change.before, change.after, self.desired, self.features)

    def is_lossy(self, change: AlterColumn) -> bool:
        """Whether the types alone do not say that every value survives."""
        return self.dialect.lossy(change.before, change.after, self.features) is not None
