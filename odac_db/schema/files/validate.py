"""Every fault in the shape of a file, in words.

msgspec knows the shape from ``declaration`` and is asked first; it stops at the first
fault and speaks in its own terms, so a file that it refuses is walked again here, over
the same definitions, for all of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from odac_db.errors import Problem
from odac_db.schema.files.document import Document, Path

T = TypeVar("T", bound=msgspec.Struct)


def converted(document: Document, struct: type[T]) -> T | list[Problem]:
    """The document as ``struct``, or every reason why it is not one."""
    try:
        return msgspec.convert(document.value, struct)
    except msgspec.ValidationError as error:
        walk = _Walk(document)
        walk.check(document.value, inspect.type_info(struct), ())
        return walk.problems or [Problem(document.file, 1, 1, str(error))]


def nearest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known name most like ``name``, or ``""``."""
    by_case = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), by_case, n=1, cutoff=0.6)
    return f"; did you mean {by_case[close[0]]!r}?" if close else ""


class _Walk:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def problem(self, path: Path, message: str) -> None:
        position = (1, 1)
        for end in range(len(path), -1, -1):
            if path[:end] in self.document.positions:
                position = self.document.positions[path[:end]]
                break
        self.problems.append(Problem(self.document.file, *position, message))

    def check(self, value: Any, kind: inspect.Type, path: Path) -> None:
        """Report what makes ``value`` at ``path`` something else than ``kind``."""
        branch = _branch(value, kind)
        if branch is None:
            self.problem(path, f"{_subject(path)} must be {_words(kind)}, not {_shown(value)}")
        elif isinstance(branch, inspect.StructType):
            self.struct(value, branch, path)
        elif isinstance(branch, inspect.DictType):
            self.dictionary(value, branch, path)
        elif isinstance(branch, inspect.VarTupleType | inspect.ListType):
            for index, item in enumerate(value):
                self.check(item, branch.item_type, (*path, index))

    def struct(self, value: dict[str, Any], kind: inspect.StructType, path: Path) -> None:
        fields = {field.encode_name: field for field in kind.fields}
        for key, item in value.items():
            if key in fields:
                self.check(item, fields[key].type, (*path, key))
            else:
                hint = nearest(key, fields) or f"; the keys are {', '.join(sorted(fields))}"
                self.problem((*path, key), f"unknown key {key!r}{hint}")
        for name, field in fields.items():
            if field.required and name not in value:
                self.problem(path, f"{_subject(path)} has no {name!r}")

    def dictionary(self, value: dict[str, Any], kind: inspect.DictType, path: Path) -> None:
        for key, item in value.items():
            allowed = getattr(kind.key_type, "values", None)
            if allowed is not None and key not in allowed:
                hint = nearest(key, allowed) or f"; the keys are {', '.join(allowed)}"
                self.problem((*path, key), f"unknown key {key!r}{hint}")
            elif not key:
                self.problem((*path, key), "a name must not be empty")
            else:
                self.check(item, kind.value_type, (*path, key))


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
