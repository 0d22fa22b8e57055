"""Every fault in the shape of a file, in words.

msgspec knows the shape from ``declaration`` and is asked first; it stops at the first
fault and speaks in its own terms, so a file that it refuses is walked again here, over
the same definitions, for all of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from odac_db.errors import Problem
from odac_db.schema.column_types import PARAMETERS
from odac_db.schema.declaration import ColumnDeclaration, TableFile
from odac_db.schema.files.document import Document, Path, Position

T = TypeVar("T", bound=msgspec.Struct)


def converted(document: Document, struct: type[T]) -> T | list[Problem]:
    """The document as ``struct``, or every reason why it is not one."""
    try:
        return msgspec.convert(document.value, struct)
    except msgspec.ValidationError as error:
        walk = Walk(document)
        walk.sound(document.value, inspect.type_info(struct), ())
        return walk.problems or [Problem(document.file, 1, 1, str(error))]


class Salvage(msgspec.Struct, frozen=True):
    """What can be read of a faulty table file, for the checks that are left to do.

    ``faulty`` as in ``Walk``, by the paths of ``positions``.
    """

    body: TableFile
    positions: dict[Path, Position]
    faulty: frozenset[Path]


def salvaged(document: Document) -> tuple[Salvage | None, list[Problem]]:
    """The table file without its faults, None where no column can be read; and the faults."""
    walk = Walk(document)
    left = walk.sound(document.value, inspect.type_info(TableFile), ())
    try:
        body = msgspec.convert(None if left is LOST else left, TableFile)
    except msgspec.ValidationError as error:
        return None, walk.problems or [Problem(document.file, 1, 1, str(error))]
    positions = {_renumbered(path, walk.kept): at for path, at in document.positions.items()}
    faulty = frozenset(_renumbered(path, walk.kept) for path in walk.faulty)
    return Salvage(body, positions, faulty), walk.problems


def _renumbered(path: Path, kept: Mapping[str, list[int]]) -> Path:
    """The path once items of lists are gone; what belongs to those is at the end of them."""
    if len(path) < 2 or path[0] not in kept:
        return path
    places = kept[str(path[0])]
    place = places.index(path[1]) if path[1] in places else len(places) + int(path[1])
    return (path[0], place, *path[2:])


def nearest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known name most like ``name``, or ``""``."""
    by_case = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), by_case, n=1, cutoff=0.6)
    return _meant(by_case[close[0]]) if close else ""


def _meant(name: str) -> str:
    return f"; did you mean {name!r}?"


LOST = object()
"""What is left of a value of which something that must be there is faulty."""

UNKNOWN_TYPE = '"?"'
"""Stands for the type of a column whose own cannot be read; nothing is said about it."""


class Walk:
    """Finds every fault in the shape of a document, and what is left without them.

    ``faulty`` are the columns, indexes and so on in which something is wrong, by their path
    in what is left, ``()`` for the file as such; ``kept`` says of a list at the top which
    of its items are left.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.faulty: set[Path] = set()
        self.kept: dict[str, list[int]] = {}

    def problem(self, path: Path, message: str) -> None:
        self.faulty.add(path[:2] if len(path) > 1 else ())
        position = (1, 1)
        for end in range(len(path), -1, -1):
            if path[:end] in self.document.positions:
                position = self.document.positions[path[:end]]
                break
        self.problems.append(Problem(self.document.file, *position, message))

    def sound(self, value: Any, kind: inspect.Type, path: Path) -> Any:
        """Report what makes ``value`` at ``path`` something else than ``kind``.

        Answers what is left of it, ``LOST`` if nothing is.
        """
        branch = _branch(value, kind)
        if branch is None:
            is_column = _is_column(kind)
            hint = f": write {{type: {value[:40]}}}" if is_column and isinstance(value, str) else ""
            message = f"{_subject(path)} must be {_words(kind)}, not {_shown(value)}"
            self.problem(path, message + hint)
            return {"type": UNKNOWN_TYPE} if is_column else LOST
        if isinstance(branch, inspect.StructType):
            return self.struct(value, branch, path)
        if isinstance(branch, inspect.DictType):
            return self.dictionary(value, branch, path)
        if isinstance(branch, inspect.VarTupleType | inspect.ListType):
            return self.sequence(value, branch.item_type, path)
        return value

    def sequence(self, value: list[Any], kind: inspect.Type, path: Path) -> Any:
        """Only the lists at the top do without their faulty items: others mean less then."""
        items = [self.sound(item, kind, (*path, index)) for index, item in enumerate(value)]
        if all(item is not LOST for item in items):
            return items
        if len(path) > 1:
            return LOST
        self.kept[str(path[0])] = [n for n, item in enumerate(items) if item is not LOST]
        return [item for item in items if item is not LOST]

    def struct(self, value: dict[str, Any], kind: inspect.StructType, path: Path) -> Any:
        fields = {field.encode_name: field for field in kind.fields}
        left, hints = {}, set()
        for key, item in value.items():
            if key in fields:
                found = self.sound(item, fields[key].type, (*path, key))
                if found is not LOST:
                    left[key] = found
            else:
                hint = nearest(key, fields) or f"; the keys are {', '.join(sorted(fields))}"
                hints.add(hint)
                self.problem((*path, key), f"unknown key {key!r}{hint}")
        for name, field in fields.items():
            if field.required and name not in value and _meant(name) not in hints:
                self.problem(path, f"{_subject(path)} has no {name!r}")
        if all(name in left for name, field in fields.items() if field.required):
            return left
        if not _is_column(kind):
            return LOST
        left = {key: item for key, item in left.items() if key not in PARAMETERS}
        return {**left, "type": UNKNOWN_TYPE}

    def dictionary(self, value: dict[str, Any], kind: inspect.DictType, path: Path) -> Any:
        left = {}
        for key, item in value.items():
            allowed = getattr(kind.key_type, "values", None)
            if allowed is not None and key not in allowed:
                hint = nearest(key, allowed) or f"; the keys are {', '.join(allowed)}"
                self.problem((*path, key), f"unknown key {key!r}{hint}")
            elif not key:
                self.problem((*path, key), "a name must not be empty")
            else:
                found = self.sound(item, kind.value_type, (*path, key))
                if found is not LOST:
                    left[key] = found
        return left


def _is_column(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.StructType) and kind.cls is ColumnDeclaration


def _branches(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def _branch(value: Any, kind: inspect.Type) -> inspect.Type | None:
    """The alternative of ``kind`` that ``value`` belongs to, None if it fits none."""
    return next((branch for branch in _branches(kind) if _fits(value, branch)), None)


def _fits(value: Any, kind: inspect.Type) -> bool:
    match kind:
        case inspect.AnyType():
            return True
        case inspect.NoneType():
            return value is None
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            number = isinstance(value, int) and not isinstance(value, bool)
            return number and (kind.ge is None or value >= kind.ge)
        case inspect.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case inspect.StrType():
            return isinstance(value, str) and len(value) >= (kind.min_length or 0)
        case inspect.LiteralType():
            return value in kind.values
        case inspect.VarTupleType() | inspect.ListType():
            return isinstance(value, list)
        case inspect.StructType() | inspect.DictType():
            return isinstance(value, dict)
    raise TypeError(kind)


def _words(kind: inspect.Type) -> str:
    """What ``kind`` takes, for people; null is left out, leaving the key out says it."""
    words = [_word(b) for b in _branches(kind) if not isinstance(b, inspect.NoneType)]
    return " or ".join(dict.fromkeys(words))


def _word(kind: inspect.Type) -> str:
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "an integer" if kind.ge is None else f"an integer ≥ {kind.ge}"
        case inspect.FloatType():
            return "a number"
        case inspect.StrType():
            return "text" if not kind.min_length else "a name"
        case inspect.LiteralType():
            return f"one of {', '.join(str(value) for value in kind.values)}"
        case inspect.VarTupleType() | inspect.ListType():
            return "a list"
        case inspect.DictType() if isinstance(kind.key_type, inspect.LiteralType):
            return f"a mapping of {', '.join(str(value) for value in kind.key_type.values)}"
        case _:
            return "a mapping"


def _subject(path: Path) -> str:
    """``column 'id': length``: what stands at ``path``, for people."""
    if not path:
        return "the file"
    if len(path) > 1 and path[0] in ("columns", "enums"):
        owner = f"{path[0][:-1]} {path[1]!r}"
        return owner if len(path) == 2 else f"{owner}: {_steps(path[2:])}"
    return _steps(path)


def _steps(path: Path) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def _shown(value: Any) -> str:
    """A value as part of a message: short, and quoted where it is text."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return repr(value if len(value) <= 40 else f"{value[:37]}...")
        case _:
            return f"{value}"
