"""Hypothesis strategies: whole schema folders, and pairs of them, valid by construction.

A folder is ``{table: body}``, bodies as a schema file holds them (``written`` of
``laws.folder`` makes the files). Names come from small pools, so that two folders overlap,
and are as odd as a server takes them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.laws import repair
from tests.laws.kinds import Body, Kit, drawable, kind_of
from tests.laws.repair import BASE, Folder, repaired

T = TypeVar("T")

TABLES = (
    "users",
    "posts",
    "order",
    "Upper Case",
    "größen",
    'quo"te',
    "tick`s",
    "50% :x",
    "long_" + "t" * 55,
)
COLUMNS = (
    "a",
    "b",
    "name",
    "select",
    "Mixed Case",
    "größe",
    'in"ner',
    "it's",
    "pct%s :v",
    "back`tick",
    "long_" + "c" * 55,
)
COMMENTS = ("Plain", 'It\'s 50% :x \\ "quoted"', "größer\nzweite Zeile")
ACTIONS = ("no action", "restrict", "cascade", "set null", "set default")
CHECKS = {
    "number": ("{} >= -1", "{} < 1000 AND {} <> 77", "NOT ({} = 5 OR {} = 6)"),
    "text": ("{} <> 'zzz'", "length({}) < 300", "{} NOT IN ('50%', 'it''s not')"),
}
GENERATED = {"number": ("{} * 2", "{} + 1"), "text": ("upper({})", "lower({})")}
KEYS = {"number": ("{} + 1", "abs({})"), "text": ("substr({}, 1, 9)",)}
PREDICATES = {"number": ("{} > 0", "{} IS NOT NULL"), "text": ("{} <> 'gone'",)}
WIDE = {"number": {"type": "big_integer"}, "text": {"type": "string"}}


class Lots:
    """Draws. Every lot shrinks towards its first choice, every chance towards no."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw

    def pick(self, choices: Sequence[T]) -> T:
        chosen: T = self._draw(st.sampled_from(choices))
        return chosen

    def chance(self, percent: int) -> bool:
        return bool(self._draw(st.integers(0, 99)) >= 100 - percent)

    def count(self, least: int, most: int) -> int:
        return int(self._draw(st.integers(least, most)))

    def some(self, choices: Sequence[T], least: int, most: int) -> list[T]:
        most = min(most, len(choices))
        places = st.lists(
            st.integers(0, len(choices) - 1), min_size=min(least, most), max_size=most, unique=True
        )
        return [choices[place] for place in self._draw(places)]


# --- drawing ------------------------------------------------------------------------


def _column(lots: Lots, kit: Kit) -> Body:
    kind = lots.pick(drawable(kit))
    body: Body = dict(kind.spec)
    if kind.values:
        body["values"] = list(lots.pick(kind.values))
        if lots.chance(30):
            body["enum_name"] = "shared mood"
    defaults = body.get("values", kind.defaults)
    if defaults and lots.chance(45):
        body["default"] = lots.pick(defaults)
    if lots.chance(25):
        body["nullable"] = False
    if kind.keyable and lots.chance(12):
        body["unique"] = True
    if kind.sort == "text" and lots.chance(12):
        body["collation"] = _collation(kit)
    if lots.chance(15):
        body["comment"] = lots.pick(COMMENTS)
    return body


def _collation(kit: Kit) -> str:
    return {"postgresql": "C", "sqlite": "NOCASE"}.get(kit.name, "utf8mb4_bin")


def _expression(lots: Lots, body: Body, kit: Kit, texts: dict[str, Any]) -> Body | None:
    """An expression on one of the columns, marked with the column it is built on."""
    bases = [
        (name, kind_of(column, kit).sort)
        for name, column in body["columns"].items()
        if kind_of(column, kit).sort in texts and "generated" not in column
    ]
    if not bases:
        return None
    base, sort = lots.pick(bases)
    text = lots.pick(texts[sort]).replace("{}", kit.quote(base))
    return {"expression": text, BASE: (base, sort)}


def _generated(lots: Lots, body: Body, kit: Kit) -> None:
    free = [name for name in COLUMNS if name not in body["columns"]]
    made = _expression(lots, body, kit, GENERATED)
    if made is None or not free:
        return
    stored = not kit.virtual_columns or lots.chance(50)
    column = WIDE[made[BASE][1]] | {"generated": made | {"stored": stored}}
    body["columns"][lots.pick(free)] = column


def _check(lots: Lots, body: Body, kit: Kit) -> None:
    made = _expression(lots, body, kit, CHECKS)
    if made is None:
        return
    if lots.chance(30):
        body["columns"][made[BASE][0]]["check"] = made
        return
    if lots.chance(40):
        made["name"] = f"rule {lots.count(1, 5)}"
    if kit.postgresql and lots.chance(15):
        made["comment"] = lots.pick(COMMENTS)
    body.setdefault("checks", []).append(made)


def _index_key(lots: Lots, body: Body, kit: Kit, name: str) -> Body:
    key: Body = {"column": name}
    if kit.expression_indexes and lots.chance(15):
        made = _expression(lots, body, kit, KEYS)
        if made is not None:
            return made
    if lots.chance(15):
        key["descending"] = True
    if kit.postgresql and lots.chance(10):
        key["nulls"] = "first" if lots.chance(50) else "last"
    if kit.mysql_family and kind_of(body["columns"][name], kit).sort == "text":
        key["length"] = 10
    return key


def _index(lots: Lots, body: Body, kit: Kit) -> None:
    names = lots.some(list(body["columns"]), 1, 3)
    index: Body = {"columns": [_index_key(lots, body, kit, name) for name in names]}
    plain = all(BASE not in key for key in index["columns"])
    if lots.chance(30):
        index["unique"] = True
        ascending = all(set(key) == {"column"} for key in index["columns"])
        if ascending and not kit.mysql_family and lots.chance(40):
            index["constraint"] = True
        elif kit.postgresql and kit.version >= (15,) and lots.chance(10):
            index["nulls_not_distinct"] = True
    if kit.partial_indexes and "constraint" not in index and lots.chance(20):
        made = _expression(lots, body, kit, PREDICATES)
        if made is not None:
            index |= {"where": made["expression"], BASE: made[BASE]}
    if kit.postgresql and plain and lots.chance(10):
        index["include"] = lots.some(list(body["columns"]), 1, 1)
    if not kit.sqlite and lots.chance(10):
        index["comment"] = lots.pick(COMMENTS)
    if lots.chance(40) and not (kit.sqlite and "constraint" in index):
        index["name"] = f"by {lots.count(1, 9)}"
    body.setdefault("indexes", []).append(index)


def _foreign_key(lots: Lots, name: str, folder: Folder, kit: Kit) -> None:
    """A key to any table, itself too; its columns are made where there are none."""
    body = folder[name]
    reachable = [(other, key) for other in folder for key in repair.targets(folder[other])]
    if not reachable:
        return
    other, theirs = lots.pick(reachable)
    free = [column for column in COLUMNS if column not in body["columns"]]
    if len(free) < len(theirs):
        return
    ours = free[: len(theirs)]
    for column, target in zip(ours, theirs, strict=True):
        body["columns"][column] = repair.referring(folder[other]["columns"][target])
    key: Body = {"columns": ours, "references": {"table": other, "columns": theirs}}
    for action in ("on_delete", "on_update"):
        if lots.chance(50):
            key[action] = lots.pick(ACTIONS)
    if lots.chance(30):
        key["name"] = f"to {lots.count(1, 9)}"
    if not kit.mysql_family and lots.chance(15):
        key["deferrable"] = "deferred" if lots.chance(50) else "immediate"
    body.setdefault("foreign_keys", []).append(key)


def _table(lots: Lots, kit: Kit) -> Body:
    body: Body = {"columns": {}}
    style = lots.pick(("increments", "listed", "big_increments", "nanoid", "none"))
    if style in ("increments", "big_increments"):
        body["columns"]["id"] = {"type": style}
    elif style == "nanoid":
        body["columns"]["id"] = {"type": "nanoid"}
        body["primary_key"] = ["id"]
    for name in lots.some(COLUMNS, 1, 6):
        body["columns"][name] = _column(lots, kit)
    if style == "listed":
        body["primary_key"] = lots.some(list(body["columns"]), 1, 2)
        if kit.sqlite and lots.chance(30):
            body["options"] = {"without_rowid": True}
    if lots.chance(20):
        body["columns"]["times"] = {"type": "timestamps"}
    for make, most in ((_generated, 1), (_check, 2), (_index, 3)):
        for _ in range(lots.count(0, most)):
            make(lots, body, kit)
    if lots.chance(20):
        body["comment"] = lots.pick(COMMENTS)
    return body


def _folder(lots: Lots, kit: Kit) -> Folder:
    folder = {name: _table(lots, kit) for name in lots.some(TABLES, 1, 5)}
    repaired(folder, kit)
    for name in folder:
        for _ in range(lots.count(0, 2)):
            _foreign_key(lots, name, folder, kit)
    return repaired(folder, kit)


# --- editing ------------------------------------------------------------------------


def _edited(lots: Lots, before: Folder, kit: Kit) -> Folder:
    folder = copy.deepcopy(before)
    for body in folder.values():
        body.pop("renamed_from", None)
    for _ in range(lots.count(1, 6)):
        if folder:
            lots.pick(EDITS)(lots, folder, kit)
    if not folder:
        folder[TABLES[0]] = _table(lots, kit)
    return repaired(folder, kit)


def _any_column(lots: Lots, folder: Folder) -> tuple[Body, str]:
    body = folder[lots.pick(list(folder))]
    return body, lots.pick(list(body["columns"]))


def _change_column(lots: Lots, folder: Folder, kit: Kit) -> None:
    body, name = _any_column(lots, folder)
    if name != "times" and "generated" not in body["columns"][name]:
        body["columns"][name] = _column(lots, kit)


def _change_aspect(lots: Lots, folder: Folder, kit: Kit) -> None:
    """Another default, comment, nullability or uniqueness of the same type."""
    body, name = _any_column(lots, folder)
    column = body["columns"][name]
    other = _column(lots, kit)
    for key in lots.some(("default", "comment", "nullable", "unique", "collation"), 1, 2):
        if key in column:
            del column[key]
        elif key == "default" and kind_of(column, kit).defaults:
            column[key] = lots.pick(kind_of(column, kit).defaults)
        elif key in other:
            column[key] = other[key]
    repaired(folder, kit)


def _change_values(lots: Lots, folder: Folder, kit: Kit) -> None:  # noqa: ARG001
    for body in folder.values():
        for column in body["columns"].values():
            if column["type"] == "enum" and lots.chance(60):
                more = [v for v in ("new", "a", "ok", "it's") if v not in column["values"]]
                place = lots.count(0, len(column["values"]))
                column["values"] = [*column["values"]]
                column["values"].insert(place, more[0])
                if lots.chance(30):
                    column["values"].pop(0)


def _drop_column(lots: Lots, folder: Folder, kit: Kit) -> None:
    body, name = _any_column(lots, folder)
    del body["columns"][name]
    repaired(folder, kit)


def _add_column(lots: Lots, folder: Folder, kit: Kit) -> None:
    body, _ = _any_column(lots, folder)
    free = [name for name in COLUMNS if name not in body["columns"]]
    if free:
        body["columns"][lots.pick(free)] = _column(lots, kit)


def _rename_column(lots: Lots, folder: Folder, kit: Kit) -> None:
    body, name = _any_column(lots, folder)
    free = [one for one in COLUMNS if one not in body["columns"]]
    if not free or name == "times":
        return
    after = lots.pick(free)
    body["columns"] = {
        (after if one == name else one): column for one, column in body["columns"].items()
    }
    body["columns"][after]["renamed_from"] = name
    _respell(body, name, after, kit)
    for other in folder.values():
        for key in other.get("foreign_keys", []):
            if folder.get(key["references"]["table"]) is body:
                theirs = key["references"]["columns"]
                theirs[:] = [after if one == name else one for one in theirs]
    repaired(folder, kit)


def _respell(body: Body, before: str, after: str, kit: Kit) -> None:
    """Everything inside the table that names the column."""

    def name_of(one: str) -> str:
        return after if one == before else one

    if "primary_key" in body:
        body["primary_key"] = [name_of(one) for one in body["primary_key"]]
    for key in body.get("foreign_keys", []):
        key["columns"] = [name_of(one) for one in key["columns"]]
    for index in body.get("indexes", []):
        index["include"] = [name_of(one) for one in index.get("include", [])]
        for part in index["columns"]:
            if "column" in part:
                part["column"] = name_of(part["column"])
    keys = [part for index in body.get("indexes", []) for part in index["columns"]]
    for part in [*repair.built(body), *keys, *body.get("indexes", [])]:
        if part.get(BASE, ("",))[0] == before:
            part[BASE] = (after, part[BASE][1])
            for word in ("expression", "where"):
                if word in part:
                    part[word] = part[word].replace(kit.quote(before), kit.quote(after))


def _drop_table(lots: Lots, folder: Folder, kit: Kit) -> None:
    del folder[lots.pick(list(folder))]
    repaired(folder, kit)


def _add_table(lots: Lots, folder: Folder, kit: Kit) -> None:
    free = [name for name in TABLES if name not in folder]
    if free:
        folder[lots.pick(free)] = _table(lots, kit)


def _rename_table(lots: Lots, folder: Folder, kit: Kit) -> None:  # noqa: ARG001
    free = [name for name in TABLES if name not in folder]
    name = lots.pick(list(folder))
    if not free or "renamed_from" in folder[name]:
        return
    after = lots.pick(free)
    folder[after] = folder.pop(name)
    folder[after]["renamed_from"] = name
    for body in folder.values():
        for key in body.get("foreign_keys", []):
            if key["references"]["table"] == name:
                key["references"]["table"] = after


def _change_key(lots: Lots, folder: Folder, kit: Kit) -> None:
    body, _ = _any_column(lots, folder)
    body["primary_key"] = lots.some(list(body["columns"]), 0, 2)
    repaired(folder, kit)


def _drop_part(lots: Lots, folder: Folder, kit: Kit) -> None:  # noqa: ARG001
    body, _ = _any_column(lots, folder)
    for key in ("indexes", "foreign_keys", "checks", "comment", "options"):
        if key in body and lots.chance(50):
            if isinstance(body[key], list) and len(body[key]) > 1:
                body[key].pop(0)
            else:
                del body[key]


def _add_part(lots: Lots, folder: Folder, kit: Kit) -> None:
    name = lots.pick(list(folder))
    make = lots.pick((_generated, _check, _index))
    make(lots, folder[name], kit)
    if lots.chance(50):
        _foreign_key(lots, name, folder, kit)
    repaired(folder, kit)


EDITS: tuple[Callable[[Lots, Folder, Kit], None], ...] = (
    _change_column,
    _change_aspect,
    _change_values,
    _drop_column,
    _add_column,
    _rename_column,
    _drop_table,
    _add_table,
    _rename_table,
    _change_key,
    _drop_part,
    _add_part,
)


@st.composite
def folders(draw: Callable[[Any], Any], kit: Kit) -> Folder:
    """One valid folder."""
    return _folder(Lots(draw), kit)


@st.composite
def pairs(draw: Callable[[Any], Any], kit: Kit) -> tuple[Folder, Folder]:
    """Two valid folders: mostly the second is the first after some edits."""
    lots = Lots(draw)
    before = _folder(lots, kit)
    if lots.chance(25):
        return before, _folder(lots, kit)
    return before, _edited(lots, before, kit)
