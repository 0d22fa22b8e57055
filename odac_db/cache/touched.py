"""The tables a statement depends on, and those it changes, by its text and the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from odac_db.cache import naming
from odac_db.cache.parsed import Named, Parsed, parsed
from odac_db.cache.protocol import EVERYTHING
from odac_db.dialects.reach import Operation, Reach


class Reads(msgspec.Struct, frozen=True):
    """What a read depends on; ``refused`` says why it is not cached."""

    tables: tuple[str, ...] = ()
    refused: str = ""


def reads(sql: str, reach: Reach, declared: Iterable[str] | None = None) -> Reads:
    """The stamps a read depends on. ``declared`` tables are taken at the caller's word.

    With them the text may call any function and name what the catalog does not hold. What
    locks, writes or is no query is refused all the same.
    """
    found = parsed(sql, reach.grammar)
    if found.writes or found.uncached == "it locks rows":
        return Reads(refused=found.uncached)
    if declared is not None:
        return _declared(found, reach, naming.found(declared, reach))
    refused = _refused(found, reach)
    if refused:
        return Reads(refused=refused)
    tables, refused = _behind({one.name for one in _real(found, reach)}, reach)
    return Reads(refused=refused) if refused else Reads(_stamps(tables, reach))


def _declared(found: Parsed, reach: Reach, declared: Mapping[str, str | None]) -> Reads:
    names = {one.name for one in found.tables if one.name in reach.tables | set(reach.views)}
    for name, table in declared.items():
        if table is None:
            return Reads(refused=f"depends_on: the catalog has no table {name}")
        names.add(table)
    return Reads(_stamps(_behind(names, reach)[0], reach))


def _stamps(tables: Iterable[str], reach: Reach) -> tuple[str, ...]:
    roots = {reach.kin.get(name, name) for name in tables}
    return (EVERYTHING, *sorted(roots))


def _refused(found: Parsed, reach: Reach) -> str:
    reason = found.unknown or found.uncached
    if reason:
        return reason
    for one in _real(found, reach):
        if one.space and one.space not in reach.namespaces:
            return f"{one.space}.{one.name} is in another database or of the server itself"
        if one.name not in reach.tables and one.name not in reach.views:
            return f"the catalog has no table {one.name}"
    own = sorted(found.identifiers & reach.routines)
    return f"it may call the function {own[0]}, which is not the server's own" if own else ""


def _real(found: Parsed, reach: Reach) -> Iterator[Named]:
    """The tables of a text, without its common table expressions."""
    for one in found.tables:
        is_local = one.name in found.local and not one.space
        if not is_local or one.name in reach.tables or one.name in reach.views:
            yield one


def _behind(names: Iterable[str], reach: Reach) -> tuple[set[str], str]:
    """Names with views replaced by what is behind them; and why that cannot be cached."""
    tables: set[str] = set()
    waiting, seen, refused = list(names), set(names), ""
    while waiting:
        name = waiting.pop()
        tables.add(name)
        if name in reach.guarded:
            refused = f"{name} {reach.guarded[name]}"
        if name not in reach.views:
            continue
        for view in _views(name, reach):
            reason = _refused(view, reach)
            refused = f"the view {name}: {reason}" if reason else refused
            following = {one.name for one in _real(view, reach)} - seen
            seen |= following
            waiting += following
    return tables, refused


def _views(name: str, reach: Reach) -> list[Parsed]:
    """What is behind that name, in whichever schema."""
    return [parsed(sql, reach.grammar) for sql in reach.views[name]]


def writes(sql: str, reach: Reach, effects: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """The stamps that a statement replaces. ``effects``: what triggers are declared to write."""
    found = parsed(sql, reach.grammar)
    if found.unknown or _runs(found, reach):
        return frozenset({EVERYTHING})
    changed: set[tuple[str, Operation]] = set()
    waiting = [(one.name, operation) for one, operation in found.writes]
    while waiting:
        change = waiting.pop()
        if change in changed:
            continue
        changed.add(change)
        name, operation = change
        for one in _triggered(name, reach):
            if one not in effects:
                return frozenset({EVERYTHING})
            for other in effects[one]:
                waiting += ((other.casefold(), each) for each in _OPERATIONS)
        if name in reach.replacing and operation != "delete":
            waiting += ((name, each) for each in _OPERATIONS)
        waiting += _following(name, operation, reach)
        if name in reach.views:
            base, refused = _behind({name}, reach)
            if refused:
                return frozenset({EVERYTHING})
            waiting += ((each, operation) for each in base)
    return frozenset(reach.kin.get(name, name) for name, _ in changed)


def calls_writers(sql: str, reach: Reach) -> bool:
    """Whether a statement that writes nothing by itself calls a function that may."""
    return _runs(parsed(sql, reach.grammar), reach)


def _runs(found: Parsed, reach: Reach) -> bool:
    """Whether it names a function that may write, or a view does, or one whose text is hidden."""
    waiting, seen = [found], set[str]()
    while waiting and (reach.writers or reach.hidden):
        one = waiting.pop()
        if one.identifiers & reach.writers:
            return True
        views = {table.name for table in one.tables if table.name in reach.views} - seen
        if not all(sql for name in views for sql in reach.views[name]):
            return True
        seen |= views
        waiting += (view for name in views for view in _views(name, reach))
    return False


def _triggered(name: str, reach: Reach) -> list[str]:
    """The tables whose triggers a change of this one may run: those of its partitions, too."""
    root = reach.kin.get(name)
    if root is None:
        return [name] if name in reach.triggered else []
    return [one for one in reach.triggered if reach.kin.get(one) == root]


def touching(names: Iterable[str], reach: Reach) -> set[str]:
    """The stamps of these tables, and of those behind views; of all where one is not clear."""
    views = {name for name in names if name in reach.views}
    tables, refused = _behind(names, reach)
    if views and refused:
        return {EVERYTHING}
    return {reach.kin.get(name, name) for name in tables}


_OPERATIONS: tuple[Operation, ...] = ("insert", "update", "delete")


def _following(name: str, operation: Operation, reach: Reach) -> Iterator[tuple[str, Operation]]:
    """What foreign keys make of a change, one step far. A tree of partitions is one table."""
    root = reach.kin.get(name, name)
    for key in reach.keys:
        if reach.kin.get(key.parent, key.parent) != root:
            continue
        action = {"delete": key.on_delete, "update": key.on_update}.get(operation)
        if action is not None:
            yield key.child, action
