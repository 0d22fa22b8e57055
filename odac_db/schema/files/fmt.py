"""Schema files brought to the one spelling, their comments, order and layout kept.

odac's and latticesql's spellings are rewritten where they stand; a file that has none of
them keeps every byte. The new text is read again and must mean the same as the old.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from odac_db.errors import DeclarationError, Problem
from odac_db.schema.files.edits import edited
from odac_db.schema.files.folder import SUFFIXES, SchemaFile, files_by_connection
from odac_db.schema.files.normalize import split_references
from odac_db.schema.files.read import TYPES_STEM, parsed, table_file, table_name
from odac_db.schema.files.spellings import respelling
from odac_db.schema.files.write import replace_file


def format_paths(paths: Iterable[str | os.PathLike[str]], *, write: bool) -> list[Path]:
    """The schema files that are (or, unless ``write``, would be) rewritten.

    A folder stands for its schema files and those of its sub-folders. Nothing is written
    when any file has a fault: DeclarationError lists them all.
    """
    problems: list[Problem] = []
    texts: dict[Path, bytes] = {}
    for path in paths:
        for folder, files in _files(Path(path), problems):
            tables = _tables(folder)
            for file in files:
                new = _formatted(file, tables, problems)
                if new != file.content:
                    texts[Path(file.file)] = new
    if problems:
        raise DeclarationError(list(dict.fromkeys(problems)))
    if write:
        for path, content in texts.items():
            replace_file(path, content)
    return list(texts)


def format_file(path: str | os.PathLike[str]) -> str:
    """The file's text in the one spelling; the file is not touched.

    Raises DeclarationError if it cannot be read.
    """
    problems: list[Problem] = []
    for folder, files in _files(Path(path), problems):
        for file in files:
            new = _formatted(file, _tables(folder), problems)
            if not problems:
                return new.decode("utf-8")
    raise DeclarationError(problems or [Problem(str(path), 1, 1, "not a schema file")])


def _files(path: Path, problems: list[Problem]) -> list[tuple[Path, list[SchemaFile]]]:
    """The schema files at ``path``, by the folder they are in."""
    if path.is_dir():
        connections = files_by_connection(path, problems)
        return [(Path(f[0].file).parent, f) for f in connections.values() if f]
    if path.suffix not in SUFFIXES:
        problems.append(Problem(str(path), 1, 1, "not a schema file: .yaml, .yml, .json, .toml"))
        return []
    found: list[Problem] = []
    siblings = files_by_connection(path.parent, found).get("default", [])
    files = [file for file in siblings if file.name == path.name]
    faults = [problem for problem in found if problem.file == str(path)]
    if not files and not faults:
        faults = [Problem(str(path), 1, 1, "there is no such file")]
    problems.extend(faults)
    return [(path.parent, files)]


def _tables(folder: Path) -> frozenset[str]:
    """The tables declared beside a file: what latticesql's ``ref`` may mean."""
    files = files_by_connection(folder, []).get("default", [])
    return frozenset(table_name(file, parsed(file)) for file in files)


def _formatted(file: SchemaFile, tables: Collection[str], problems: list[Problem]) -> bytes:
    document = parsed(file)
    if document.problems or file.stem == TYPES_STEM:
        problems.extend(document.problems)
        return file.content
    found = respelling(document, tables)
    if found.problems or not found.rewrites:
        problems.extend(found.problems)
        return file.content
    bom = codecs.BOM_UTF8 if file.content.startswith(codecs.BOM_UTF8) else b""
    text = file.content[len(bom) :].decode()
    suffix = os.path.splitext(file.name)[1]
    windows = 0 < text.count("\n") == text.count("\r\n")
    new = edited(text.replace("\r\n", "\n") if windows else text, found.rewrites, suffix)
    content = bom + (new.replace("\n", "\r\n") if windows else new).encode()
    if _means(SchemaFile(file.file, file.name, content), tables) != _means(file, tables):
        message = "cannot be rewritten without changing what it says; nothing was done"
        problems.append(Problem(file.file, 1, 1, message))
    return content


def _means(file: SchemaFile, tables: Collection[str]) -> object:
    """What the file declares, for comparing; its faults, without their places, if it has any."""
    document = parsed(file)
    if document.problems:
        return sorted(problem.message for problem in document.problems)
    found, faults = table_file(document, frozenset(tables))
    if faults or found is None:
        return sorted(problem.message for problem in faults)
    return split_references(found.body, tables, lambda _: ())
