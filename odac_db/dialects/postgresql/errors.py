"""What PostgreSQL's errors say: which constraint was violated, and what may be tried again.

Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

from typing import Any

from odac_db.dialects.base import Failure, Refusal
from odac_db.errors import ViolationKind

_KINDS: dict[str, ViolationKind] = {
    "23502": "not_null",
    "23503": "foreign_key",
    "23505": "unique",
    "23514": "check",
    "23P01": "exclusion",
}
# serialization_failure, deadlock_detected, lock_not_available
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})
# admin_shutdown, crash_shutdown, cannot_connect_now; class 08 is connection_exception
_LOST = frozenset({"57P01", "57P02", "57P03"})


def refusal(error: BaseException, statement: str) -> Refusal | None:
    """The constraint, as the server names it. A unique one may be the primary key's."""
    kind = _KINDS.get(_state(error))
    if kind is None:
        return None
    diagnosis = getattr(error, "diag", None)
    name = getattr(diagnosis, "constraint_name", None)
    table = getattr(diagnosis, "table_name", None)
    if kind == "not_null":
        column = getattr(diagnosis, "column_name", None)
        return Refusal(kind=kind, table=table, columns=(column,) if column else ())
    columns: tuple[str, ...] = ()
    if kind in ("unique", "exclusion"):
        columns = _columns(getattr(diagnosis, "message_detail", None))
    if kind == "unique" and name == f"{table}_pkey":
        kind = "primary_key"
    return Refusal(kind=kind, constraint=name, table=table, columns=columns)


def failure(error: BaseException) -> Failure | None:
    """Whether the same transaction may succeed when it is run again.

    After a failed statement PostgreSQL itself refuses the rest of the transaction, so none
    is ever gone without the driver's knowing.
    """
    state = _state(error)
    if state in _CONFLICTS:
        return "conflict"
    return "lost" if state in _LOST or state.startswith("08") else None


def _state(error: BaseException) -> str:
    found: Any = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return found if isinstance(found, str) else ""


def _columns(detail: str | None) -> tuple[str, ...]:
    """The columns of ``Key (a, "B")=(1, 2) already exists.``, in whatever language."""
    listed = (detail or "").partition(")=(")[0].partition("(")[2]
    if not listed:
        return ()
    return tuple(_unquoted(name.strip()) for name in _split(listed))


def _split(listed: str) -> list[str]:
    """Parted at commas that are in neither quotes nor parentheses: keys may be expressions."""
    parts, depth, quoted = [""], 0, False
    for letter in listed:
        if letter == '"':
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
        if letter == "," and not quoted and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _unquoted(name: str) -> str:
    quoted = len(name) > 1 and name[0] == name[-1] == '"'
    return name[1:-1].replace('""', '"') if quoted else name
