"""The data migrations beside schema files: ``migrations/20260225_001_split_names.py``.

``schema/migrations/`` belongs to the connection ``default``, ``schema/logs/migrations/`` to
``logs``. They are listed and read here, never executed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import xxhash

from odac_db.errors import DeclarationError, Problem

FOLDER = "migrations"
_NAME = re.compile(r"\d{8}_\d{3}_\w+\.(?:py|sql)")
_MEANT = frozenset({".py", ".sql"})
_MISPLACED = frozenset({".yaml", ".yml", ".json", ".toml"})


class MigrationFile(msgspec.Struct, frozen=True, kw_only=True):
    """One data migration: its name, which is its order, its path, and its bytes."""

    name: str
    path: str
    content: bytes

    @property
    def checksum(self) -> str:
        """Equal exactly when the bytes are."""
        return xxhash.xxh3_128_hexdigest(self.content)


def migration_files(folder: str | os.PathLike[str]) -> tuple[MigrationFile, ...]:
    """The data migrations in ``folder/migrations``, in the order of their names.

    Hidden files and those that begin with ``_`` are left alone, so are files of other kinds.
    Raises DeclarationError for names out of the pattern, schema files, and what cannot be
    read: nothing that may have been meant is passed over.
    """
    place = Path(folder) / FOLDER
    if not place.is_dir():
        return ()
    problems: list[Problem] = []
    found = [file for path in _candidates(place, problems) for file in _read(path, problems)]
    stems: dict[str, str] = {}
    for file in found:
        other = stems.setdefault(file.name.rpartition(".")[0], file.name)
        if other != file.name:
            problems.append(Problem(file.path, 1, 1, f"{other} has the same name: keep one"))
    if problems:
        raise DeclarationError(problems)
    return tuple(found)


def digest_of(files: Sequence[MigrationFile]) -> str:
    """Equal exactly when names and bytes of all files are; empty for none."""
    if not files:
        return ""
    named = "".join(f"{file.name}:{file.checksum};" for file in files)
    return xxhash.xxh3_128_hexdigest(named.encode())


def _candidates(place: Path, problems: list[Problem]) -> Iterator[Path]:
    for path in sorted(place.iterdir(), key=lambda each: each.name):
        if path.name[0] in "._":
            continue
        if path.suffix.lower() in _MISPLACED:
            message = f"{FOLDER} holds .py and .sql files: a schema file belongs beside the folder"
            problems.append(Problem(str(path), 1, 1, message))
        elif path.suffix.lower() in _MEANT:
            if _NAME.fullmatch(path.name):
                yield path
                continue
            message = (
                "a data migration is named by date, number and words, which is their order: "
                f"20260225_001_split_names{path.suffix.lower()}"
            )
            problems.append(Problem(str(path), 1, 1, message))


def _read(path: Path, problems: list[Problem]) -> Iterator[MigrationFile]:
    try:
        yield MigrationFile(name=path.name, path=str(path), content=path.read_bytes())
    except OSError as error:
        message = f"the file cannot be read: {error.strerror or error}"
        problems.append(Problem(str(path), 1, 1, message))
