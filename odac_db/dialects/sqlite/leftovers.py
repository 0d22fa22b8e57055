"""What a SQLite database holds and a schema file cannot. Pure.

Kinds and where they keep what a table rebuild needs in order to put them back:
``trigger`` and ``view`` have the whole CREATE statement in ``detail``; ``on conflict``
has the clause there and in ``name`` the constraint, as ``conflict_key`` spells it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from odac_db.dialects.sqlite.create_sql import TableText
from odac_db.schema.model import Unsupported

TRIGGER = "trigger"
VIEW = "view"
ON_CONFLICT = "on conflict"


def conflict_key(what: str, *columns: str) -> str:
    """The ``name`` of an ``on conflict`` entry: ``primary key``, ``unique a, b``."""
    return " ".join([what, ", ".join(columns).lower()]).strip()


def table_leftovers(table: str, text: TableText) -> Iterator[Unsupported]:
    """What stands inside a CREATE TABLE and has no place in the model."""
    if text.key_conflict:
        yield _conflict(table, conflict_key("primary key"), text.key_conflict)
    for unique in text.uniques:
        if unique.conflict:
            yield _conflict(table, conflict_key("unique", *unique.columns), unique.conflict)
    for name, column in text.columns.items():
        if column.null_conflict:
            yield _conflict(table, conflict_key("not null", name), column.null_conflict)
        for called in column.names:
            yield Unsupported(kind="constraint name", table=table, name=called, detail=name)
    if text.key_order:
        yield Unsupported(kind="primary key order", table=table, detail=text.key_order)
    for key in text.foreign_keys:
        if key.match not in ("", "SIMPLE", "NONE"):
            yield Unsupported(
                kind="match clause", table=table, name=key.name or "", detail=f"MATCH {key.match}"
            )


def _conflict(table: str, name: str, resolution: str) -> Unsupported:
    return Unsupported(kind=ON_CONFLICT, table=table, name=name, detail=f"ON CONFLICT {resolution}")


def leftovers(
    master: Sequence[Any],
    kinds: Mapping[str, tuple[str, int, int]],
    only: Collection[str] | None,
) -> Iterator[Unsupported]:
    """Views, triggers and virtual tables; with ``only``, nothing but those tables' triggers."""
    for kind, name, table, sql in master:
        if kind == "trigger":
            if only is None or table in only:
                yield Unsupported(kind=TRIGGER, table=table, name=name, detail=sql)
        elif only is not None:
            continue
        elif kind == "view":
            yield Unsupported(kind=VIEW, name=name, detail=sql)
        elif kind == "table" and kinds.get(name, ("virtual",))[0] == "virtual":
            yield Unsupported(kind="virtual table", name=name, detail=sql)
