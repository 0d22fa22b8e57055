"""What a statement's text reads, writes and calls, by sqlglot; nothing of any catalog.

The text is the one the driver is given, so that what an ORM, a fragment or a translation of
names has put into it is seen. What cannot be read is unknown: not cached, and every table
written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from odac_db.cache.functions import CLASSES, NAMES
from odac_db.dialects.reach import Operation

CLOCK_WORDS = frozenset({"now", "today", "tomorrow", "yesterday"})
_ALL: tuple[Operation, ...] = ("insert", "update", "delete")


class Named(msgspec.Struct, frozen=True):
    """A table as the text names it, case-folded; ``space`` is what qualifies it."""

    name: str
    space: str = ""


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """``unknown`` says why the text could not be read; ``uncached`` why it cannot be cached.

    identifiers: every name in it, for functions that are called without looking like it.
    local: names of common table expressions.
    """

    tables: frozenset[Named] = frozenset()
    writes: frozenset[tuple[Named, Operation]] = frozenset()
    identifiers: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    unknown: str = ""
    uncached: str = ""


@lru_cache(maxsize=4096)
def parsed(sql: str, grammar: str) -> Parsed:
    """What the text says; never raises."""
    if "/*!" in sql or "/*M!" in sql:
        return Parsed(unknown="comments that the server executes")
    text = re.sub(r"^\s*replace\b", "INSERT /*odac-replace*/", sql, count=1, flags=re.IGNORECASE)
    text = re.sub(r"%\([^)]*\)s|%s", "NULL", text).replace("%%", "%")
    try:
        trees = [tree for tree in sqlglot.parse(text, read=grammar) if tree is not None]
    except (SqlglotError, RecursionError) as error:
        return Parsed(unknown=f"the parser does not know it: {str(error).splitlines()[0]}")
    if len(trees) != 1:
        return Parsed(unknown="several statements in one text")
    return _read(trees[0], replaces=text != sql and "/*odac-replace*/" in text)


def _read(tree: exp.Expr, replaces: bool) -> Parsed:
    known = exp.Query | exp.Insert | exp.Update | exp.Delete | exp.Merge | exp.Values | exp.Create
    if not isinstance(tree, known) or tree.find(exp.Command) is not None:
        return Parsed(unknown=f"{type(tree).__name__.lower()} may touch anything")
    if isinstance(tree, exp.Create) and tree.kind != "VIEW":
        return Parsed(unknown="it creates something")
    if tree.find(exp.Into) is not None:
        return Parsed(unknown="SELECT INTO makes a table")
    writes = frozenset(_writes(tree, replaces))
    return Parsed(
        tables=frozenset(_named(table) for table in tree.find_all(exp.Table) if table.name),
        writes=writes,
        identifiers=frozenset(_identifiers(tree)),
        local=frozenset(one.alias.casefold() for one in tree.find_all(exp.CTE)),
        uncached="it writes" if writes else _why_uncached(tree),
    )


def _named(table: exp.Table) -> Named:
    return Named(table.name.casefold(), table.db.casefold())


def _identifiers(tree: exp.Expr) -> Iterator[str]:
    for node in tree.find_all(exp.Identifier, exp.Anonymous):
        yield node.name.casefold()
    for call in tree.find_all(exp.Func):
        yield call.sql_name().casefold()


def _writes(tree: exp.Expr, replaces: bool) -> Iterator[tuple[Named, Operation]]:
    for node in tree.find_all(exp.Insert, exp.Update, exp.Delete, exp.Merge):
        operations: tuple[Operation, ...] = _ALL
        match node:
            case exp.Insert():
                plain = not (replaces or node.args.get("conflict") or node.args.get("alternative"))
                operations = ("insert",) if plain else _ALL
            case exp.Update():
                operations = ("update",)
            case exp.Delete():
                operations = ("delete",)
        for table in _targets(node):
            yield from ((_named(table), operation) for operation in operations)


def _targets(node: exp.Expr) -> Iterator[exp.Table]:
    """The tables a statement writes; where it names several, all of them."""
    if isinstance(node, exp.Delete) and (node.args.get("tables") or node.args.get("using")):
        yield from node.find_all(exp.Table)
        return
    target = node.this
    if target is not None:
        yield from target.find_all(exp.Table)


def _why_uncached(tree: exp.Expr) -> str:
    """Why the same text need not have the same answer; "" if it must."""
    for node in tree.walk():
        match node:
            case exp.Lock():
                return "it locks rows"
            case exp.TableSample():
                return "TABLESAMPLE draws lots"
            case exp.Parameter() | exp.SessionParameter():
                return "it reads a variable of the session"
            case exp.Literal() if node.is_string and node.name.strip().casefold() in CLOCK_WORDS:
                return f"{node.name!r} is another moment each time"
            case exp.Anonymous() if node.name.casefold() not in NAMES:
                return f"the function {node.name} may have another value each time"
            case exp.Func() if type(node).__name__ not in CLASSES:
                return f"the function {node.sql_name()} may have another value each time"
    return ""
