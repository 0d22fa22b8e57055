"""Declarations written as a folder of schema files, all of them or none."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec
import xxhash

from odac_db.errors import Problem, PullRefused
from odac_db.schema.declaration import Declarations
from odac_db.schema.files.folder import DEFAULT, files_by_connection
from odac_db.schema.files.read import TYPES_STEM, parsed, table_name
from odac_db.schema.files.text import table_yaml, types_yaml

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(?<!\.)\Z")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)


class WrittenFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files that were written, and those that held the very same text already."""

    written: tuple[Path, ...] = ()
    unchanged: tuple[Path, ...] = ()


def write_folder(
    declarations: Declarations, folder: str | os.PathLike[str], *, force: bool = False
) -> WrittenFiles:
    """One file per table, and ``_types.yaml`` where enum types are declared by themselves.

    Each file is replaced in one step, so a reader sees the old or the new text whole. A
    file that holds the same text is not touched. Files of other tables stay.

    Raises PullRefused, with nothing written, when a file of one of these tables exists and
    differs, whatever its format. ``force`` overwrites it; one of another name, which would
    declare the table a second time, is then removed.
    """
    root = Path(folder)
    texts = _texts(declarations, root)
    unchanged = {path for path, text in texts.items() if _holds(path, text)}
    changing = {path for path in texts if path not in unchanged and os.path.lexists(path)}
    rivals = _rivals(declarations, root, texts.keys())
    if not force and (changing or rivals):
        raise PullRefused(sorted(map(str, changing | rivals)))
    root.mkdir(parents=True, exist_ok=True)
    written = [path for path in texts if path not in unchanged]
    for path in written:
        replace_file(path, texts[path].encode())
    for path in rivals:
        path.unlink()
    _sync_folder(root)
    return WrittenFiles(written=tuple(written), unchanged=tuple(sorted(unchanged)))


def _texts(declarations: Declarations, root: Path) -> dict[Path, str]:
    tables = declarations.tables
    texts = {}
    if declarations.enums:
        texts[root / f"{TYPES_STEM}.yaml"] = types_yaml(declarations.enums)
    for name, stem in file_stems(tables).items():
        text = table_yaml(tables[name], stem=stem, tables=tables.keys())
        texts[root / f"{stem}.yaml"] = text
    return texts


def file_stems(tables: Iterable[str]) -> dict[str, str]:
    """The name of each table's file without suffix, in the order of the tables' names.

    It is the table's own name wherever every file system can hold it and tell it from the
    others; else it is made safe and unique by a hash.
    """
    names = sorted(tables)
    folded = [name.lower() for name in names]
    stems = {}
    for name in names:
        alone = folded.count(name.lower()) == 1 if name != name.lower() else True
        safe = _SAFE.match(name) and not _DEVICES.match(name) and name.lower() != TYPES_STEM
        stems[name] = name if safe and alone else _hashed(name)
    return stems


def _hashed(name: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:60].strip("_-").lower()
    return f"{safe or 'table'}-{xxhash.xxh3_64_hexdigest(name.encode())[:8]}"


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def _rivals(declarations: Declarations, root: Path, ours: Iterable[Path]) -> set[Path]:
    """Existing files, other than those about to be written, that declare the same tables."""
    unread: list[Problem] = []
    ours = set(ours)
    rivals = set()
    for file in files_by_connection(root, unread).get(DEFAULT, []):
        path = root / file.name
        types = file.stem == TYPES_STEM
        declared = (
            bool(declarations.enums)
            if types
            else (table_name(file, parsed(file)) in declarations.tables)
        )
        if path not in ours and declared:
            rivals.add(path)
    return rivals


def replace_file(path: Path, content: bytes) -> None:
    """The file's content replaced in one step, surviving a crash just after.

    A link is followed, and the file keeps its permissions.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as file:
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
