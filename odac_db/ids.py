"""Short random ids: 62 letters and digits, each equally likely, from the system's randomness.

21 characters carry 125 bits. Nothing is kept between calls, so threads and forked
processes never see the same id twice.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final, Protocol

from odac_db.schema.declaration import ColumnDeclaration, Declarations, TableFile

__all__ = ["DEFAULT_SIZE", "nanoid", "nanoid_columns", "nanoid_of"]


class Shake(Protocol):
    """A hash that gives as many bytes as are wanted."""

    def digest(self, length: int, /) -> bytes: ...


DEFAULT_SIZE: Final = 21

_ALPHABET: Final = (ascii_uppercase + ascii_lowercase + digits).encode()
# The low six bits pick a character. 62 and 63 pick none: those bytes are thrown away,
# because folding them onto the alphabet would make two characters likelier than the rest.
_LETTER_OF_BYTE: Final = bytes(_ALPHABET[b % 64] if b % 64 < 62 else 0 for b in range(256))
_NO_LETTER: Final = bytes(b for b in range(256) if b % 64 >= 62)


def nanoid(size: int = DEFAULT_SIZE) -> str:
    """A random id of ``size`` characters out of ``A-Z a-z 0-9``.

    Raises TypeError when ``size`` is no integer and ValueError when it is below 1.
    """
    if not isinstance(size, int) or isinstance(size, bool):
        raise TypeError(f"a nanoid's size is a whole number, not {size!r}")
    if size < 1:
        raise ValueError(f"a nanoid has at least 1 character, not {size}")
    text = b""
    while len(text) < size:
        # One byte in 32 is thrown away; 8 spare ones make a second draw rare.
        drawn = os.urandom((size - len(text)) * 33 // 32 + 8)
        text += drawn.translate(_LETTER_OF_BYTE, _NO_LETTER)
    return text[:size].decode()


def nanoid_of(seed: Shake, size: int = DEFAULT_SIZE) -> str:
    """The id that belongs to a seed: the same each time, each character as likely as with
    ``nanoid``."""
    length, text = size, b""
    while len(text) < size:
        length *= 2
        text = seed.digest(length).translate(_LETTER_OF_BYTE, _NO_LETTER)
    return text[:size].decode()


def nanoid_columns(declarations: Declarations) -> dict[str, dict[str, int]]:
    """The nanoid columns to fill and their lengths by table; tables without any are absent.

    Foreign keys are not among them: a random id would refer to nothing.
    """
    found = {
        name: {
            column: spec.length or DEFAULT_SIZE
            for column, spec in table.body.columns.items()
            if _is_nanoid(spec) and not _refers(column, table.body)
        }
        for name, table in declarations.tables.items()
    }
    return {name: columns for name, columns in found.items() if columns}


def _refers(column: str, body: TableFile) -> bool:
    keys = body.foreign_keys
    return body.columns[column].references is not None or any(column in k.columns for k in keys)


def _is_nanoid(column: ColumnDeclaration) -> bool:
    if isinstance(column.type, Mapping):
        return set(column.type.values()) == {"nanoid"}
    return column.type == "nanoid"
