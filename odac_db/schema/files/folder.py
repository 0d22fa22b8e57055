"""The files of a schema folder: which there are, what bytes they hold, and their digest.

``schema/posts.yaml`` belongs to the connection ``default``, ``schema/logs/events.yaml``
to ``logs``. Everything that cannot be read is a fault, nothing is skipped in silence but
hidden files, editors' backups and files of other kinds.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import xxhash

from odac_db.errors import DeclarationError, Problem
from odac_db.schema.files.document import MAXIMUM_BYTES
from odac_db.schema.files.migrations import FOLDER as MIGRATIONS

DEFAULT = "default"
SUFFIXES = frozenset({".yaml", ".yml", ".json", ".toml"})


class SchemaFile(msgspec.Struct, frozen=True):
    """One file: its path as the user would type it, its name, its bytes."""

    file: str
    name: str
    content: bytes

    @property
    def stem(self) -> str:
        """The name without its last suffix: the table, unless the file says otherwise."""
        return os.path.splitext(self.name)[0]


def folder_digest(path: str | os.PathLike[str]) -> dict[str, str]:
    """The digest of each connection's files, as in ``Declarations.digest``, unparsed.

    Raises DeclarationError where ``read_folder`` could not even read the files.
    """
    problems: list[Problem] = []
    found = files_by_connection(path, problems)
    if problems:
        raise DeclarationError(problems)
    return {name: digest(files) for name, files in found.items()}


def files_by_connection(
    folder: str | os.PathLike[str], problems: list[Problem]
) -> dict[str, list[SchemaFile]]:
    """The schema files of every connection, in the order of their names.

    A sub-folder that holds none, and no data migrations, is no connection.
    """
    root = Path(folder)
    try:
        found = _entries(root)
    except OSError as error:
        problems.append(Problem(str(root), 1, 1, _unreadable(error, "folder")))
        return {}
    connections: dict[str, list[SchemaFile]] = {DEFAULT: []}
    for entry in found:
        path = root / entry.name
        if not _is_folder(entry):
            connections[DEFAULT].extend(_file(path, problems))
        elif entry.name == MIGRATIONS:
            continue
        elif entry.name == DEFAULT:
            message = "'default' is the connection of the files beside this folder"
            problems.append(Problem(str(path), 1, 1, message))
        else:
            files = list(_connection(root, path, problems))
            if files or (path / MIGRATIONS).is_dir():
                connections[entry.name] = files
    return connections


def _connection(root: Path, folder: Path, problems: list[Problem]) -> Iterator[SchemaFile]:
    try:
        if os.path.realpath(folder) in _with_parents(os.path.realpath(root)):
            message = "this folder links back to the schema folder"
            problems.append(Problem(str(folder), 1, 1, message))
            return
        found = _entries(folder)
    except OSError as error:
        problems.append(Problem(str(folder), 1, 1, _unreadable(error, "folder")))
        return
    for entry in found:
        path = folder / entry.name
        if _is_folder(entry) and entry.name == MIGRATIONS:
            continue
        if _is_folder(entry):
            message = "a sub-folder is a connection, and cannot hold folders itself"
            problems.append(Problem(str(path), 1, 1, message))
        else:
            yield from _file(path, problems)


def _with_parents(folder: str) -> list[str]:
    return [folder, *map(str, Path(folder).parents)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        visible = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(visible, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir() and entry.name != "__pycache__"
    except OSError:
        return False


def _file(path: Path, problems: list[Problem]) -> Iterator[SchemaFile]:
    """The file, if it is a schema file that can be read."""
    suffix = os.path.splitext(path.name)[1]
    if suffix not in SUFFIXES:
        if suffix.lower() in SUFFIXES:
            message = f"a schema file ends in {suffix.lower()}, in small letters: rename it"
            problems.append(Problem(str(path), 1, 1, message))
        return
    try:
        content = _content(path)
    except OSError as error:
        problems.append(Problem(str(path), 1, 1, _unreadable(error, "file")))
        return
    if isinstance(content, str):
        problems.append(Problem(str(path), 1, 1, content))
    else:
        yield SchemaFile(str(path), path.name, content)


def _content(path: Path) -> bytes | str:
    """The bytes, or why they are not read. A pipe is never opened: it may never answer."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    with open(path, "rb") as file:
        content = file.read(MAXIMUM_BYTES + 1)
    if len(content) > MAXIMUM_BYTES:
        size = max(status.st_size, len(content)) / (1 << 20)
        return f"{size:.1f} MiB; a schema file has at most {MAXIMUM_BYTES >> 20} MiB"
    return content


def _unreadable(error: OSError, what: str) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no such {what}"
    if isinstance(error, NotADirectoryError):
        return "a schema is a folder of files, and this is a file: name the folder it is in"
    return f"the {what} cannot be read: {error.strerror or error}"


def digest(files: list[SchemaFile]) -> str:
    """xxh3_128 over names and bytes: equal exactly when the files are."""
    state = xxhash.xxh3_128()
    for file in files:
        name = file.name.encode("utf-8", "surrogateescape")
        state.update(b"%d:%d:" % (len(name), len(file.content)))
        state.update(name)
        state.update(file.content)
    return state.hexdigest()
