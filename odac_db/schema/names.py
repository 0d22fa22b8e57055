"""Names for what a declaration leaves unnamed, the same on every server and every run."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import xxhash

HASH_LENGTH = 8


def shortened(name: str, fits: Callable[[str], bool]) -> str:
    """``name`` if it fits, else as much of it as does, with a hash of all of it behind.

    Two different names never collapse into one by being cut, which is what a server that
    truncates silently would make of them.
    """
    if fits(name):
        return name
    digest = xxhash.xxh3_64_hexdigest(name.encode())[:HASH_LENGTH]
    end = len(name)
    while end and not fits(f"{name[:end]}_{digest}"):
        end -= 1
    return f"{name[:end]}_{digest}"


def generated_name(table: str, columns: Iterable[str], suffix: str) -> str:
    """``table_column_suffix``, PostgreSQL's own habit, before any shortening.

    Suffixes: pkey, key (unique), idx, fkey, check, excl.
    """
    return "_".join([table, *columns, suffix])
