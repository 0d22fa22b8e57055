"""What a statement's text reads, writes and calls, by sqlglot; nothing of any catalog.

The text is the one the driver is given, so that what an ORM, a fragment or a translation of
names has put into it is seen. What cannot be read is unknown: not cached, and every table
written.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator

import msgspec
import sqlglot
from sqlglot import exp

from odac_db.cache.functions import CLASSES, NAMES
from odac_db.cache.moments import may_be_moment, without_parentheses
from odac_db.cache.remembered import remembered
from odac_db.dialects.reach import Grammar, Operation

_here = threading.local()
logging.getLogger("sqlglot").addFilter(lambda _: not getattr(_here, "parses", False))
_ALL: tuple[Operation, ...] = ("insert", "update", "delete")


class Named(msgspec.Struct, frozen=True):
    """A table as the text names it, case-folded; ``space`` is what qualifies it."""

    name: str
    space: str = ""


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """``unknown`` says why the text could not be read; ``uncached`` why it cannot be cached.

    identifiers: every name in it, for functions that are called without looking like it; every
        word where it could not be read.
    local: names of common table expressions.
    """

    tables: frozenset[Named] = frozenset()
    writes: frozenset[tuple[Named, Operation]] = frozenset()
    identifiers: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    unknown: str = ""
    uncached: str = ""


@remembered
def parsed(sql: str, grammar: Grammar) -> Parsed:
    """What the text says; never raises, and tells no log: there may be secrets in it."""
    _here.parses = True
    try:
        return _parsed(sql, grammar)
    except Exception as error:  # by text that is no SQL, sqlglot is led to errors of its own, too
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return _unknown(sql, f"the parser does not know it: {reason}")
    finally:
        _here.parses = False


def _parsed(sql: str, grammar: Grammar) -> Parsed:
    if "/*!" in sql or "/*M!" in sql:
        return _unknown(sql, "comments that the server executes")
    text = re.sub(r"^\s*replace\b", "INSERT /*odac-replace*/", sql, count=1, flags=re.IGNORECASE)
    if grammar.percent:
        text = re.sub(r"%\([\w$-]+\)s|%s", "NULL", text).replace("%%", "%")
    trees = [tree for tree in sqlglot.parse(text, read=grammar.name) if tree is not None]
    if len(trees) != 1:
        return _unknown(sql, "several statements in one text")
    replaces = text != sql and "/*odac-replace*/" in text
    found = _read(trees[0], replaces, grammar)
    return _unknown(sql, found) if isinstance(found, str) else found


def _unknown(sql: str, reason: str) -> Parsed:
    quoted = re.findall(r'["`]([^"`]+)["`]', sql.casefold())
    words = frozenset(re.findall(r"\w+", sql.casefold()) + quoted)
    return Parsed(unknown=reason, identifiers=words)


def _read(tree: exp.Expr, replaces: bool, grammar: Grammar) -> Parsed | str:
    """What it says, or why it is unknown."""
    known = exp.Query | exp.Insert | exp.Update | exp.Delete | exp.Merge | exp.Values | exp.Create
    if not isinstance(tree, known) or tree.find(exp.Command) is not None:
        return f"{type(tree).__name__.lower()} may touch anything"
    if isinstance(tree, exp.Create) and tree.kind != "VIEW":
        return "it creates something"
    if tree.find(exp.Into) is not None:
        return "SELECT INTO makes a table"
    writes = frozenset(_writes(tree, replaces))
    return Parsed(
        tables=frozenset(_tables(tree)),
        writes=writes,
        identifiers=frozenset(_identifiers(tree)),
        local=frozenset(one.alias.casefold() for one in tree.find_all(exp.CTE)),
        uncached="it writes" if writes else _why_uncached(tree, grammar),
    )


def _tables(tree: exp.Expr) -> Iterator[Named]:
    yield from (_named(table) for table in tree.find_all(exp.Table) if table.name)
    for one in tree.find_all(exp.In):  # SQLite: x IN t
        table = one.args.get("field")
        if isinstance(table, exp.Column):
            yield Named(table.name.casefold(), table.table.casefold())


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


def _why_uncached(tree: exp.Expr, grammar: Grammar) -> str:
    """Why the same text need not have the same answer; "" if it must."""
    for node in tree.walk():
        match node:
            case exp.In() if not isinstance(node.args.get("field"), exp.Column | None):
                return "what it looks in may be a table"
            case exp.Lock():
                return "it locks rows"
            case exp.TableSample():
                return "TABLESAMPLE draws lots"
            case exp.Parameter() | exp.SessionParameter():
                return "it reads a variable of the session"
            case exp.Literal() if node.is_string and may_be_moment(node.name):
                return f"{node.name!r} is another moment each time"
            case exp.Column() if without_parentheses(node, grammar):
                return f"{node.name} may have another value each time"
            case exp.Anonymous() if node.name.casefold() not in NAMES:
                return f"the function {node.name} may have another value each time"
            case exp.Func() if type(node).__name__ not in CLASSES:
                return f"the function {node.sql_name()} may have another value each time"
    return ""
