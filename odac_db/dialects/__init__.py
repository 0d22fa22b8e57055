"""Differences: everything that varies by server, and nowhere else."""

from __future__ import annotations

from importlib import import_module

from sqlalchemy import Connection, Engine

from odac_db.dialects.base import Dialect
from odac_db.errors import UnsupportedServer

_HOMES = {
    "postgresql": ("odac_db.dialects.postgresql", "POSTGRESQL"),
    "mysql": ("odac_db.dialects.mysql", "MYSQL"),
    "mariadb": ("odac_db.dialects.mysql", "MYSQL"),
    "sqlite": ("odac_db.dialects.sqlite", "SQLITE"),
}


def dialect_of(conn: Connection | Engine) -> Dialect:
    """The dialect of the server behind a connection or engine; only that one is imported.

    Raises UnsupportedServer for any other.
    """
    name = conn.dialect.name
    if name not in _HOMES:
        message = f"{name} is not supported: use {', '.join(_HOMES)}"
        raise UnsupportedServer(message)
    module, attribute = _HOMES[name]
    found: Dialect = getattr(import_module(module), attribute)
    return found
