"""SQLAlchemy clauses as SQL text, once where all servers agree, else per dialect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import CompileError

# With the "named" style no percent sign is doubled.
COMPILERS: dict[str, Dialect] = {
    "postgresql": PGDialect(paramstyle="named"),  # type: ignore[no-untyped-call]
    "mysql": MySQLDialect(paramstyle="named"),
    "mariadb": MariaDBDialect(paramstyle="named"),
    "sqlite": SQLiteDialect(paramstyle="named"),
}


def expression(clause: Any) -> Any:
    """The clause as a schema file would say it: text, or text per dialect."""
    texts = {}
    for name, dialect in COMPILERS.items():
        try:
            texts[name] = _compiled(clause, dialect)
        except CompileError:  # this server has no such thing; its plan says so
            continue
    return merged(texts)


def _compiled(clause: Any, dialect: Dialect) -> str:
    compiler: Any = dialect.ddl_compiler(dialect, None)  # type: ignore[arg-type]
    return str(compiler.sql_compiler.process(clause, include_table=False, literal_binds=True))


def merged(texts: dict[str, str]) -> Any:
    """One text if all dialects have it, else the texts, MariaDB's only where it differs."""
    if len(texts) == len(COMPILERS) and len(set(texts.values())) == 1:
        return texts["mysql"]
    if texts.get("mariadb") == texts.get("mysql"):
        texts.pop("mariadb", None)
    return texts


def name_of(item: Any) -> str | None:
    """The name given, or made by a naming convention; None if the server may choose."""
    return str(item.name) if isinstance(item.name, str) else None


def names(items: Iterable[Any] | None) -> tuple[str, ...]:
    """The names of columns, or of what names them, as plain strings."""
    return tuple(str(getattr(item, "name", item)) for item in items or ())


def deferrable(constraint: Any) -> Literal["immediate", "deferred"] | None:
    """How a constraint may be deferred."""
    if (constraint.initially or "").lower() == "deferred":
        return "deferred"
    return "immediate" if constraint.deferrable else None
