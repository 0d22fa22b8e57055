"""Makes any folder of table bodies one that its server can hold: what cannot be is left out.

The generator draws and edits freely; this takes away what the pieces cannot be together,
and nothing else. Bodies are plain dicts, as a schema file holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.laws.kinds import Body, Kit, key_of, kind_of

Folder = dict[str, Body]

COUNTING = {"increments": "integer", "big_increments": "big_integer"}
BASE = "of"  # marks what is built on a column; never written to a file


def repaired(folder: Folder, kit: Kit) -> Folder:
    """The same folder, in place, made valid."""
    for body in folder.values():
        _columns(body, kit)
        _primary_key(body, kit)
        _expressions(body, kit)
        _indexes(body, kit)
    _shared_enums(folder)
    for name, body in folder.items():
        _foreign_keys(name, body, folder, kit)
    _names(folder)
    _renames(folder)
    return folder


def _keep(body: Body, key: str, right: Callable[[Any], bool]) -> None:
    kept = [item for item in body.get(key, []) if right(item)]
    body[key] = kept
    if not kept:
        del body[key]


def counting(body: Body) -> list[str]:
    return [name for name, column in body["columns"].items() if column["type"] in COUNTING]


def _columns(body: Body, kit: Kit) -> None:
    columns = body["columns"]
    if not any("generated" not in column for column in columns.values()):
        columns["id"] = {"type": "integer"}
    for name in counting(body)[1:]:
        columns[name]["type"] = COUNTING[columns[name]["type"]]
    for column in columns.values():
        kind = kind_of(column, kit)
        if column["type"] == "timestamps":
            for key in column.keys() - {"type"}:
                del column[key]
        if column["type"] in COUNTING or "generated" in column:
            for key in ("default", "nullable", "unique", "collation", "values"):
                column.pop(key, None)
        if not kind.keyable:
            column.pop("unique", None)
        if kind.sort != "text":
            column.pop("collation", None)
        if column["type"] != "enum":
            for key in ("values", "enum_name"):
                column.pop(key, None)
        _default(column, kind.defaults)


def _default(column: Body, known: tuple[Any, ...]) -> None:
    """A default of another type is out of place since the column changed its own."""
    default = column.get("default")
    if column["type"] == "enum":
        if default not in (None, *column["values"]):
            column.pop("default", None)
    elif default is not None and default not in known:
        del column["default"]


def _primary_key(body: Body, kit: Kit) -> None:
    columns = body["columns"]
    numbered = counting(body)
    if numbered:
        body.pop("primary_key", None)
        return
    key = [name for name in body.get("primary_key", []) if name in columns]
    key = [name for name in key if kind_of(columns[name], kit).keyable]
    key = [name for name in key if "generated" not in columns[name]]
    body["primary_key"] = list(dict.fromkeys(key))
    if not key:
        del body["primary_key"]
        body.pop("options", None)
    for name in key:
        columns[name].pop("nullable", None)
        columns[name].pop("unique", None)


def key_columns(body: Body) -> list[str]:
    return counting(body) or list(body.get("primary_key", []))


def _usable(body: Body, name: Any, sort: str, kit: Kit) -> bool:
    """Whether an expression can be built on that column, which MySQL forbids of numbered ones."""
    column = body["columns"].get(name)
    if column is None or "generated" in column or column["type"] in COUNTING:
        return False
    return kind_of(column, kit).sort == sort


def _stands(body: Body, built_on_it: Body, kit: Kit) -> bool:
    base, sort = built_on_it[BASE]
    return _usable(body, base, sort, kit)


def _expressions(body: Body, kit: Kit) -> None:
    columns = body["columns"]
    for name in [name for name, column in columns.items() if "generated" in column]:
        base, sort = columns[name]["generated"][BASE]
        if not _usable(body, base, sort, kit) or (kit.mysql_family and base in key_columns(body)):
            del columns[name]
    for column in columns.values():
        if "check" in column and not _stands(body, column["check"], kit):
            del column["check"]
    _keep(body, "checks", lambda check: _stands(body, check, kit))


def _indexes(body: Body, kit: Kit) -> None:
    columns = body["columns"]

    def holds(key: Body) -> bool:
        if BASE in key:
            return _stands(body, key, kit)
        column = columns.get(key["column"])
        if column is None or not (kind_of(column, kit).keyable or "length" in key):
            return False
        if "length" in key and kind_of(column, kit).keyable:
            del key["length"]
        return "generated" not in column or column["generated"]["stored"]

    def right(index: Body) -> bool:
        if not all(holds(key) for key in index["columns"]):
            return False
        include = [name for name in index.get("include", []) if name in columns]
        index["include"] = [name for name in include if _is_plain(columns[name])]
        if not index["include"]:
            del index["include"]
        return BASE not in index or _stands(body, index, kit)

    _keep(body, "indexes", right)
    seen: list[Any] = []
    for index in list(body.get("indexes", [])):
        shape = (index["columns"], index.get("where"), index.get("unique"))
        if shape in seen:
            body["indexes"].remove(index)
        seen.append(shape)


def _is_plain(column: Body) -> bool:
    return "generated" not in column and column["type"] != "timestamps"


def _shared_enums(folder: Folder) -> None:
    values: dict[str, Any] = {}
    for body in folder.values():
        for column in body["columns"].values():
            if "enum_name" in column:
                column["values"] = values.setdefault(column["enum_name"], column["values"])
                if column.get("default") not in (None, *column["values"]):
                    del column["default"]


def targets(body: Body) -> Iterator[list[str]]:
    """The lists of columns that a foreign key may refer to."""
    if key_columns(body):
        yield key_columns(body)
    for name, column in body["columns"].items():
        if column.get("unique"):
            yield [name]
    for index in body.get("indexes", []):
        plain = all(set(key) == {"column"} for key in index["columns"])
        if index.get("unique") and plain and not {"where", "nulls_not_distinct"} & set(index):
            yield [key["column"] for key in index["columns"]]


def referring(column: Body) -> Body:
    """What a column must be in order to refer to this one."""
    spec = {key: value for key, value in column.items() if key in _OF_THE_TYPE}
    return spec | {"type": COUNTING.get(column["type"], column["type"])}


_OF_THE_TYPE = ("type", "length", "precision", "scale", "text_type", "unsigned", "values")


def _foreign_keys(name: str, body: Body, folder: Folder, kit: Kit) -> None:
    seen: list[Any] = []

    def right(key: Body) -> bool:
        target = folder.get(key["references"]["table"])
        theirs = key["references"]["columns"]
        if target is None or theirs not in list(targets(target)) or key["columns"] in seen:
            return False
        if key["references"]["table"] == name and theirs == key["columns"]:
            return False
        pairs = [
            (body["columns"].get(ours), target["columns"][other])
            for ours, other in zip(key["columns"], theirs, strict=True)
        ]
        if not all(ours is not None and _alike(ours, other) for ours, other in pairs):
            return False
        seen.append(key["columns"])
        _actions(body, key, kit)
        for column in (column for pair in pairs for column in pair):
            column.pop("collation", None)
        return True

    _keep(body, "foreign_keys", right)


def _alike(ours: Body, other: Body) -> bool:
    if "generated" in ours or "generated" in other or ours["type"] in COUNTING:
        return False
    wanted = referring(other)
    return key_of(ours) == key_of(wanted) and ours["type"] != "enum"


def _actions(body: Body, key: Body, kit: Kit) -> None:
    """Only what the columns and the server allow."""
    columns = [body["columns"][name] for name in key["columns"]]
    fixed = key_columns(body)
    empties = all(c.get("nullable", True) for c in columns) and not (
        set(fixed) & set(key["columns"])
    )
    spoken = {part[BASE][0] for part in built(body)} if kit.mysql_family else set()
    for action in ("on_delete", "on_update"):
        value = key.get(action)
        unfit = value == "set null" and not empties
        unfit = unfit or (value == "set default" and kit.mysql_family)
        passive = value in (None, "no action", "restrict")
        if unfit or (spoken & set(key["columns"]) and not passive):
            del key[action]


def built(body: Body) -> Iterator[Body]:
    for column in body["columns"].values():
        if "generated" in column:
            yield column["generated"]
        if "check" in column:
            yield column["check"]
    yield from body.get("checks", [])


def _names(folder: Folder) -> None:
    """Names are given once: in a schema, whatever some server would allow."""
    taken = {name.lower() for name in folder}
    for body in folder.values():
        for key in ("indexes", "foreign_keys", "checks"):
            for item in body.get(key, []):
                name = item.get("name", "").lower()
                if name and name in taken:
                    del item["name"]
                taken.add(name)


def _renames(folder: Folder) -> None:
    for names in (folder, *(body["columns"] for body in folder.values())):
        claimed: set[str] = {name.lower() for name in names}
        for body in names.values():
            old = body.get("renamed_from")
            if old is not None and old.lower() in claimed:
                del body["renamed_from"]
            elif old is not None:
                claimed.add(old.lower())
