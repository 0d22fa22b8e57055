"""Values as YAML text that YAML 1.1 and 1.2 readers take for the same values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

LINE = 100
"""Flow collections that would make a longer line are written as blocks."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./() -]*(?<! )\Z")
_WORDS = frozenset("y n yes no on off true false null".split())
_PRINTABLE = re.compile(r"[\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*\Z")  # fmt: skip  # noqa: E501
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}
_LONG_KEY = 500  # libyaml gives up looking for the colon behind 1,024 characters


def scalar(value: Any) -> str:
    """A scalar, quoted where any reader could take its text for something else."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _number(value)
        case _:
            return _string(str(value))


def _number(value: float) -> str:
    if not math.isfinite(value):
        return _string(str(value))
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa}.0e{power}" if exponent and "." not in mantissa else text


def _string(text: str) -> str:
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    if not _PRINTABLE.match(text):
        return '"' + "".join(map(_escaped, text)) + '"'
    if "'" in text and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if _PRINTABLE.match(letter):
        return letter
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def flow(value: Any) -> str:
    """The value in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(_pair(key, item) for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def _pair(key: str, value: Any) -> str:
    name = scalar(key)
    return f"? {name} : {flow(value)}" if len(name) > _LONG_KEY else f"{name}: {flow(value)}"


def mapping(entries: Mapping[str, Any], indent: int) -> list[str]:
    """Lines of a block mapping of flow values, these aligned with each other."""
    names = {key: f"{scalar(key)}:" for key in entries}
    width = max((len(name) for name in names.values() if len(name) <= 32), default=0)
    lines = []
    for key, value in entries.items():
        margin = " " * indent
        line = f"{margin}{names[key]:<{width}} {flow(value)}"
        if len(line) > LINE and isinstance(value, Mapping) and value:
            lines.append(f"{margin}{names[key]}")
            lines.extend(f"{margin}  {_pair(name, item)}" for name, item in value.items())
        else:
            lines.append(line)
    return lines


def sequence(items: list[Any], indent: int) -> list[str]:
    """Lines of a block sequence of flow values."""
    lines = []
    for item in items:
        margin = " " * indent
        line = f"{margin}- {flow(item)}"
        if len(line) > LINE and isinstance(item, Mapping) and item:
            entries = [_pair(name, value) for name, value in item.items()]
            lines.append(f"{margin}- {entries[0]}")
            lines.extend(f"{margin}  {entry}" for entry in entries[1:])
        else:
            lines.append(line)
    return lines
