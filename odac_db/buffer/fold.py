"""Operations of one lane as the fewest statements with the same effect. Pure.

Rows of one table and shape are one insert; what happens to one key is one change. All
inserts come before all changes, which is the same as the order they came in unless a key
was changed before it was inserted, or was spelt in another way: there another step begins.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, NamedTuple

from odac_db.buffer.lanes import Lanes
from odac_db.buffer.shapes import Chunk, Kind, Shape, Values
from odac_db.dialects.buffering import Accepts, Change

EXACT = Context(prec=200_000, traps=[Inexact, InvalidOperation])
"""Room for the sums of any server's decimals; the thread's own context would round them."""

_UNNAMED = object()


class Insert(NamedTuple):
    """Rows of one table with these columns."""

    table: str
    columns: tuple[str, ...]
    rows: list[Values]


@dataclass
class Cells:
    """What becomes of the row with one key: columns that are set, and what is added after that.

    ``inserted``: the row itself is among it.
    """

    inserted: bool = False
    sets: dict[str, Any] = field(default_factory=dict)
    adds: dict[str, Any] = field(default_factory=dict)


@dataclass
class Step:
    """Inserts, then changes."""

    inserts: list[Insert] = field(default_factory=list)
    changed: dict[tuple[str, tuple[str, ...]], dict[Values, Cells]] = field(default_factory=dict)
    alike: dict[tuple[str, Values], Values] = field(default_factory=dict)
    """Of each changed row, as the loosest collation reads its key, the key."""

    def changes(self, columns_of: Callable[[str], Mapping[str, Accepts]]) -> Iterator[Change]:
        """Those that set, then those that add, each sorted by key, so that two flushes do not
        wait for one another in a circle."""
        for (table, keys), rows in self.changed.items():
            types = {name: accepts.type for name, accepts in columns_of(table).items()}
            for kind in ("sets", "adds"):
                for columns, found in _alike(rows, kind).items():
                    yield Change(
                        table=table,
                        keys=keys,
                        sets=columns if kind == "sets" else (),
                        adds=columns if kind == "adds" else (),
                        rows=sorted(found, key=lambda row: repr(row[: len(keys)])),
                        types=types,
                    )


def _alike(rows: Mapping[Values, Cells], kind: str) -> dict[tuple[str, ...], list[Values]]:
    found: dict[tuple[str, ...], list[Values]] = {}
    for key, cells in rows.items():
        given: dict[str, Any] = getattr(cells, kind)
        if given:
            columns = tuple(sorted(given))
            found.setdefault(columns, []).append((*key, *(given[name] for name in columns)))
    return found


def steps(chunks: Iterable[Chunk], lanes: Lanes) -> list[Step]:
    """The steps to take in turn."""
    found = [Step()]
    for chunk in chunks:
        if chunk.shape.kind == "insert":
            if _changed_before(chunk, found[-1]):
                found.append(Step())
            _insert(found[-1].inserts, chunk, lanes)
        else:
            _change(found, chunk)
    for step in found:
        step.inserts.sort(key=lambda insert: lanes.rank.get(insert.table, 0))
    return found


def _changed_before(chunk: Chunk, step: Step) -> bool:
    """Whether one of these rows has a key that the step changes."""
    for table, keys in step.changed:
        columns = chunk.shape.columns
        if table == chunk.shape.table and set(keys) <= set(columns):
            places = [columns.index(key) for key in keys]
            if any(
                (table, loosely(tuple(row[place] for place in places))) in step.alike
                for row in chunk.rows
            ):
                return True
    return False


def _insert(inserts: list[Insert], chunk: Chunk, lanes: Lanes) -> None:
    table, columns = chunk.shape.table, chunk.shape.columns
    rank = lanes.rank.get(table, 0)
    chained = table in lanes.chained
    for insert in reversed(inserts):
        if insert.table == table and insert.columns == columns:
            insert.rows.extend(chunk.rows)
            return
        if chained and lanes.rank.get(insert.table, 0) == rank:
            break
    inserts.append(Insert(table, columns, list(chunk.rows)))


def loosely(key: Values) -> Values:
    """Keys of which some server may think that they are one: by case, accents, blanks, zeros."""
    return tuple([_letters(value) if type(value) is str else value for value in key])


def _letters(text: str) -> str:
    if not text.isascii():
        split = unicodedata.normalize("NFKD", text)
        text = "".join([letter for letter in split if not unicodedata.combining(letter)])
    if "." in text and text.lstrip("-").replace(".", "", 1).isdigit():
        return text.rstrip("0").rstrip(".")
    return text.casefold().rstrip(" ")


def _change(found: list[Step], chunk: Chunk) -> None:
    """Changes of two keys that may be one row's are in two steps: they keep their order."""
    shape = chunk.shape
    count = len(shape.keys)
    for row in chunk.rows:
        key = row[:count]
        mark = (shape.table, loosely(key))
        if found[-1].alike.get(mark, key) != key:
            found.append(Step())
        found[-1].alike[mark] = key
        rows = found[-1].changed.setdefault((shape.table, shape.keys), {})
        cells = rows.setdefault(key, Cells())
        for name, value in zip(shape.columns, row[count:], strict=True):
            if shape.kind == "update":
                cells.sets[name] = value
                cells.adds.pop(name, None)
            else:
                cells.adds[name] = summed(cells.adds.get(name, 0), value)


def summed(one: int | str, other: int | str) -> int | str:
    """Both are whole numbers, or texts of decimals; never floats, whose sums drift."""
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    return format(EXACT.add(Decimal(one), Decimal(other)), "f")


def halves(chunks: Sequence[Chunk]) -> tuple[list[Chunk], list[Chunk]]:
    """The operations in two parts of one order."""
    bare = [chunk._replace(once=None) for chunk in chunks]
    return divided(bare, count(chunks) // 2)


def divided(chunks: Sequence[Chunk], most: int) -> tuple[list[Chunk], list[Chunk]]:
    """So many operations, and those behind them. A call with a key is not parted."""
    first: list[Chunk] = []
    for place, chunk in enumerate(chunks):
        if len(chunk.rows) > most:
            whole = [chunk] if chunk.once is not None and not first else []
            if chunk.once is not None:
                return first + whole, list(chunks[place + len(whole) :])
            parts = [chunk._replace(rows=chunk.rows[:most])] if most else []
            rest = chunk._replace(first=chunk.first + most, rows=chunk.rows[most:])
            return first + parts, [rest, *chunks[place + 1 :]]
        first.append(chunk)
        most -= len(chunk.rows)
    return first, []


def count(chunks: Iterable[Chunk]) -> int:
    return sum(len(chunk.rows) for chunk in chunks)


def pending(chunks: Iterable[Chunk], table: str, key: Mapping[str, Any], column: str) -> Cells:
    """What operations that are not applied yet do to one column of one row."""
    found = Cells()
    for chunk in chunks:
        shape: Shape = chunk.shape
        names = (*shape.keys, *shape.columns)
        if shape.table != table or (shape.kind != "insert" and column not in shape.columns):
            continue
        if not key.keys() <= set(names):
            continue
        wanted = [(names.index(name), value) for name, value in key.items()]
        place = names.index(column) if column in names else -1
        for row in chunk.rows:
            if all(row[at] == value for at, value in wanted):
                _come(found, shape.kind, column, row[place] if place >= 0 else _UNNAMED)
    return found


def _come(cells: Cells, kind: Kind, column: str, value: Any) -> None:
    cells.inserted = cells.inserted or kind == "insert"
    if value is _UNNAMED:
        return
    if kind == "increment":
        cells.adds[column] = summed(cells.adds.get(column, 0), value)
    else:
        cells.sets[column] = value
        cells.adds.pop(column, None)
