"""The spellings of odac and latticesql, as rewrites into ours.

One list of rewrites serves both uses: reading applies it to values and positions
(``respelt``), ``fmt`` applies it to the text. A rewrite never depends on anything but
the file itself, save for latticesql's ``ref: user``, which may mean the table ``users``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from odac_db.errors import Problem
from odac_db.schema import declaration as d
from odac_db.schema.column_types import CAMEL_CASE, PORTABLE
from odac_db.schema.files.document import Document, Path

ACTIONS = ("no action", "restrict", "cascade", "set null", "set default")


class Rewrite(msgspec.Struct, frozen=True):
    """One entry of a mapping said our way. ``key`` None removes it.

    ``value`` UNSET keeps the value as it stands.
    """

    path: Path
    key: str | None
    value: Any = msgspec.UNSET


class Respelling(msgspec.Struct, frozen=True):
    """All rewrites a document needs, innermost first, and what forbids some of them."""

    rewrites: list[Rewrite]
    problems: list[Problem]


def respelling(document: Document, tables: Collection[str]) -> Respelling:
    """What has to be rewritten in one table's file. ``tables`` are the declared names."""
    return _Search(document, tables).table()


def respelt(document: Document, rewrites: list[Rewrite]) -> Document:
    """The document with the rewrites done; positions follow their values."""
    positions = dict(document.positions)
    for rewrite in rewrites:
        _rewrite_value(document.value, rewrite)
        _rewrite_positions(positions, rewrite)
    return Document(file=document.file, value=document.value, positions=positions)


def _rewrite_value(root: Any, rewrite: Rewrite) -> None:
    parent = root
    for step in rewrite.path[:-1]:
        parent = parent[step]
    entries = list(parent.items())
    parent.clear()
    for key, value in entries:
        if key != rewrite.path[-1]:
            parent[key] = value
        elif rewrite.key is not None:
            parent[rewrite.key] = value if rewrite.value is msgspec.UNSET else rewrite.value


def _rewrite_positions(positions: dict[Path, tuple[int, int]], rewrite: Rewrite) -> None:
    size = len(rewrite.path)
    under = [path for path in positions if path[:size] == rewrite.path]
    for number, path in enumerate(under):
        position = positions.pop(path)
        if rewrite.key is None:
            continue
        renamed = (*rewrite.path[:-1], rewrite.key)
        if rewrite.value is msgspec.UNSET or number == 0:
            positions[(*renamed, *path[size:])] = position
        elif rewrite.key == "foreign_keys" and len(path) == size + 1:
            positions[(*renamed, _place(positions, renamed))] = position


def _place(positions: Mapping[Path, tuple[int, int]], path: Path) -> int:
    """The number of items of the list at ``path`` that have a position."""
    return sum(len(known) == len(path) + 1 and known[:-1] == path for known in positions)


def snake(key: str) -> str:
    """``onDelete`` and ``ON DELETE`` as ``on_delete``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").replace(" ", "_").lower()


_FIELDS: dict[type, frozenset[str]] = {
    struct: frozenset(field.encode_name for field in msgspec.structs.fields(struct))
    for struct in (
        d.TableFile,
        d.ColumnDeclaration,
        d.ReferenceDeclaration,
        d.IndexDeclaration,
        d.ForeignKeyDeclaration,
        d.CheckDeclaration,
        d.IdentityDeclaration,
    )
}
_OTHER_NAMES: dict[type, dict[str, str]] = {
    d.TableFile: {"fields": "columns"},
    d.ColumnDeclaration: {"primary_key": "primary"},
    d.ReferenceDeclaration: {},
}


class _Search:
    def __init__(self, document: Document, tables: Collection[str]) -> None:
        self.document = document
        self.tables = tables
        self.rewrites: list[Rewrite] = []
        self.problems: list[Problem] = []

    def problem(self, path: Path, message: str) -> None:
        position = self.document.positions.get(path, (1, 1))
        self.problems.append(Problem(self.document.file, *position, message))

    def table(self) -> Respelling:
        table = self.document.value
        if not isinstance(table, dict):
            return Respelling([], [])
        related = self.relations(table)
        self.keys(table, (), d.TableFile)
        for key in ("columns", "fields"):
            for name, column in _mappings(table.get(key)):
                self.column(column, (key, name), related)
        for key, struct in _LISTS:
            for index, entry in _mappings(table.get(key)):
                self.keys(entry, (key, index), struct)
                self.actions(entry, (key, index))
                self.references(entry, (key, index))
        self.rewrites.sort(key=lambda rewrite: -len(rewrite.path))
        return Respelling(self.rewrites, self.problems)

    def rewrite(self, mapping: dict[str, Any], path: Path, key: str, value: Any) -> None:
        """Rename the entry at ``path``, unless the other name is taken.

        An entry that is a fault is taken out, so that it is not found faulty again.
        """
        if key in mapping and key != path[-1]:
            self.problem(path, f"both {path[-1]!r} and {key!r} are given: keep one of them")
            self.rewrites.append(Rewrite(path, None))
        else:
            self.rewrites.append(Rewrite(path, key, value))

    def keys(self, mapping: dict[str, Any], path: Path, struct: type) -> None:
        known = _FIELDS[struct]
        others = _OTHER_NAMES.get(struct, {})
        for key in mapping:
            if key in known:
                continue
            name = others.get(snake(key), snake(key))
            if name in known:
                self.rewrite(mapping, (*path, key), name, msgspec.UNSET)

    def column(self, column: dict[str, Any], path: Path, related: Collection[str]) -> None:
        self.keys(column, path, d.ColumnDeclaration)
        self.actions(column, path)
        self.references(column, path)
        self.type(column, path)
        self.identity(column, path)
        if isinstance(column.get("required"), bool):
            self.rewrite(column, (*path, "required"), "nullable", not column["required"])
        if isinstance(column.get("ref"), str):
            if path[-1] in related:
                self.rewrites.append(Rewrite((*path, "ref"), None))
            else:
                target = self.target(column["ref"])
                self.rewrite(column, (*path, "ref"), "references", target)

    def identity(self, column: dict[str, Any], path: Path) -> None:
        if isinstance(column.get("identity"), dict):
            self.keys(column["identity"], (*path, "identity"), d.IdentityDeclaration)

    def actions(self, mapping: dict[str, Any], path: Path) -> None:
        """``SET NULL`` and ``setNull`` as ``set null``, under either spelling of the key."""
        for key, value in mapping.items():
            if snake(key) not in ("on_delete", "on_update") or not isinstance(value, str):
                continue
            action = snake(value).replace("_", " ")
            if value not in ACTIONS and action in ACTIONS:
                self.replace((*path, key), action)

    def replace(self, path: Path, value: Any) -> None:
        """Give the entry at ``path`` another value, and the key it is about to get."""
        for index, rewrite in enumerate(self.rewrites):
            if rewrite.path == path:
                self.rewrites[index] = Rewrite(path, rewrite.key, value)
                return
        self.rewrites.append(Rewrite(path, str(path[-1]), value))

    def type(self, column: dict[str, Any], path: Path) -> None:
        name = column.get("type")
        if name in ("specificType", "specific_type"):
            self.specific_type(column, path)
        elif isinstance(name, str) and name not in PORTABLE:
            standard = CAMEL_CASE.get(name[:1].upper() + name[1:])
            if standard and name[:1].islower():
                self.replace((*path, "type"), standard)

    def specific_type(self, column: dict[str, Any], path: Path) -> None:
        """odac's ``{type: specificType, length: inet}``, or ``specificType: inet``."""
        for key in ("specificType", "specific_type", "length"):
            if isinstance(column.get(key), str):
                self.replace((*path, "type"), column[key])
                self.rewrites.append(Rewrite((*path, key), None))
                return
        self.problem((*path, "type"), "write the native type itself: type: inet")

    def references(self, mapping: dict[str, Any], path: Path) -> None:
        target = mapping.get("references")
        if not isinstance(target, dict):
            return
        here = (*path, "references")
        if isinstance(target.get("column"), str):
            self.rewrite(target, (*here, "column"), "columns", [target["column"]])

    def target(self, name: str) -> str:
        """The table that latticesql's ``ref`` means: that very name, or its plural."""
        if name in self.tables:
            return name
        return next((plural for plural in plurals(name) if plural in self.tables), name)

    def relations(self, table: dict[str, Any]) -> set[str]:
        """latticesql's ``relations``, as foreign keys; the columns they speak for."""
        relations = table.get("relations")
        if not isinstance(relations, dict):
            return set()
        keys = []
        for name, relation in relations.items():
            fault = relation_fault(relation)
            if fault:
                self.problem(("relations", name), f"relation {name!r}: {fault}")
            else:
                keys.append(_foreign_key(relation))
        given = next((key for key in table if snake(key) == "foreign_keys"), None)
        if given is not None:
            self.problem(("relations",), f"both 'relations' and {given!r} are given: keep one")
        key = None if self.problems else "foreign_keys"
        self.rewrites.append(Rewrite(("relations",), key, keys))
        return {key["columns"][0] for key in keys}


_LISTS: tuple[tuple[str, type], ...] = (
    ("indexes", d.IndexDeclaration),
    ("foreign_keys", d.ForeignKeyDeclaration),
    ("foreignKeys", d.ForeignKeyDeclaration),
    ("checks", d.CheckDeclaration),
)


def relation_fault(relation: Any) -> str | None:
    """Why a latticesql relation cannot be read, or None."""
    if not isinstance(relation, dict):
        return "must be a mapping with type, table and foreignKey"
    if relation.get("type") != "belongsTo":
        return "only type: belongsTo is a foreign key"
    for key in ("table", "foreignKey", "references"):
        value = relation.get(key)
        if not (isinstance(value, str) and value) and (key in relation or key != "references"):
            return f"{key} must be the name of a {'table' if key == 'table' else 'column'}"
    unknown = sorted(relation.keys() - {"type", "table", "foreignKey", "references"})
    return f"unknown key {unknown[0]!r}" if unknown else None


def _foreign_key(relation: dict[str, str]) -> dict[str, Any]:
    target: dict[str, Any] = {"table": relation["table"]}
    if "references" in relation:
        target["columns"] = [relation["references"]]
    return {"columns": [relation["foreignKey"]], "references": target}


def plurals(name: str) -> Iterator[str]:
    """The English plurals a table of these may be called by, likeliest first."""
    if name.endswith("y"):
        yield f"{name[:-1]}ies"
    yield f"{name}s"
    yield f"{name}es"


def _mappings(entries: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The items of a mapping or list that are mappings, with their keys."""
    pairs: Any = ()
    if isinstance(entries, dict):
        pairs = entries.items()
    elif isinstance(entries, list):
        pairs = enumerate(entries)
    return ((key, item) for key, item in pairs if isinstance(item, dict))
