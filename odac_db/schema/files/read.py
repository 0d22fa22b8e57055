"""Schema folders as declarations, or every fault in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import msgspec

from odac_db.errors import DeclarationError, Problem
from odac_db.schema.column_types import PORTABLE
from odac_db.schema.declaration import (
    Declarations,
    EnumDeclaration,
    PerDialect,
    Source,
    TableDeclaration,
    TableFile,
    TypesFile,
)
from odac_db.schema.files.check import EVERYWHERE, completed
from odac_db.schema.files.document import Document, Lines, Path, failed
from odac_db.schema.files.folder import SchemaFile, digest, files_by_connection
from odac_db.schema.files.json_source import read_json
from odac_db.schema.files.normalize import expand_timestamps
from odac_db.schema.files.spellings import respelling, respelt
from odac_db.schema.files.toml_source import read_toml
from odac_db.schema.files.validate import Salvage, converted, salvaged
from odac_db.schema.files.yaml_source import read_yaml

READERS: Mapping[str, Callable[[str, str], Document]] = {
    ".yaml": read_yaml,
    ".yml": read_yaml,
    ".json": read_json,
    ".toml": read_toml,
}
TYPES_STEM = "_types"
DUPLICATE = "duplicate key"


def read_folder(path: str | os.PathLike[str]) -> dict[str, Declarations]:
    """What a schema folder declares, by connection: ``default`` and each sub-folder's name.

    Every file is read and checked, alone and against the others of its connection, before
    anything is answered. An empty folder declares nothing and is no fault.

    Raises DeclarationError with every fault of every file; a missing folder is one.
    """
    problems: list[Problem] = []
    connections = {
        name: _connection(files, problems)
        for name, files in files_by_connection(path, problems).items()
    }
    if problems:
        raise DeclarationError(list(dict.fromkeys(problems)))
    return connections


def _connection(files: list[SchemaFile], problems: list[Problem]) -> Declarations:
    """One connection's declarations; a faulty file's table counts as declared."""
    documents = [(file, parsed(file)) for file in files]
    names = frozenset(table_name(file, document) for file, document in documents)
    tables: dict[str, TableDeclaration] = {}
    enums: dict[str, EnumDeclaration] = {}
    faulty: dict[str, frozenset[Path]] = {}
    source: Source | None = None
    for file, document in documents:
        problems.extend(document.problems)
        if not _worth_checking(document):
            continue
        if file.stem == TYPES_STEM:
            source = _types(file, document, enums, source, problems)
        else:
            _table(file, document, names, tables, faulty, problems)
    declared = Declarations(
        tables=dict(sorted(tables.items())),
        enums=enums,
        enums_source=source,
        digest=digest(files),
    )
    return completed(declared, problems, names - tables.keys(), faulty)


def _worth_checking(document: Document) -> bool:
    """Of a key given twice one value is there; after any other fault, who knows."""
    doubles = all(problem.message.startswith(DUPLICATE) for problem in document.problems)
    return doubles and isinstance(document.value, dict)


def parsed(file: SchemaFile) -> Document:
    """The file's text as a document; bytes that are no text are its only fault."""
    try:
        text = file.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = file.content[: error.start].decode("utf-8", "replace")
        position = Lines(before).position(len(before))
        message = f"byte 0x{file.content[error.start]:02x} is not UTF-8: save the file as UTF-8"
        return failed(file.file, message, position)
    if "\0" in text:
        return failed(file.file, "the file holds a NUL", Lines(text).position(text.index("\0")))
    document = READERS[os.path.splitext(file.name)[1]](text, file.file)
    if not document.problems and not isinstance(document.value, dict):
        kind = "a list" if isinstance(document.value, list) else "a single value"
        position = document.positions[()]
        return failed(file.file, f"a schema file is a mapping of keys, not {kind}", position)
    return document


def table_name(file: SchemaFile, document: Document) -> str:
    """The table that a file declares: as it says, else as it is called."""
    if isinstance(document.value, dict):
        name = document.value.get("table")
        if isinstance(name, str) and name:
            return name
    return file.stem


def _table(
    file: SchemaFile,
    document: Document,
    names: frozenset[str],
    tables: dict[str, TableDeclaration],
    faulty: dict[str, frozenset[Path]],
    problems: list[Problem],
) -> None:
    found, shape = table_file(document, names)
    problems.extend(shape)
    if found is None:
        return
    body, faults = expand_timestamps(found.body, found.positions)
    source = Source(file=document.file, positions=found.positions)
    problems.extend(source.problem(message, *path) for path, message in faults)
    name = body.table or file.stem
    if name in tables:
        first = tables[name].source.file
        problems.append(source.problem(f"table {name!r} is declared in {first} too", "table"))
        return
    body = msgspec.structs.replace(body, table=None)
    tables[name] = TableDeclaration(name=name, body=body, source=source)
    if document.problems or found.faulty:
        faulty[name] = found.faulty | ({EVERYWHERE} if document.problems else set())


def table_file(document: Document, names: frozenset[str]) -> tuple[Salvage | None, list[Problem]]:
    """The document as a table file in our spelling, and all that is wrong with its shape.

    Most files need no respelling, and msgspec alone can say so. What can be read of a
    faulty file is answered, too; None if that is nothing.
    """
    try:
        body = msgspec.convert(document.value, TableFile)
        if all(_standard(column.type) for column in body.columns.values()):
            return Salvage(body, document.positions, frozenset()), []
    except msgspec.ValidationError:
        pass
    respelled = respelling(document, names)
    found, faults = salvaged(respelt(document, respelled.rewrites))
    if found is not None and respelled.problems:
        found = msgspec.structs.replace(found, faulty=found.faulty | {EVERYWHERE})
    return found, [*respelled.problems, *faults]


def _standard(kind: PerDialect) -> bool:
    return not isinstance(kind, str) or kind in PORTABLE or kind == kind.lower()


def _types(
    file: SchemaFile,
    document: Document,
    enums: dict[str, EnumDeclaration],
    earlier: Source | None,
    problems: list[Problem],
) -> Source | None:
    source = Source(file=file.file, positions=document.positions)
    checked = converted(document, TypesFile)
    if isinstance(checked, list):
        problems.extend(checked)
    elif earlier is not None:
        problems.append(source.problem(f"types are declared in {earlier.file} too"))
    else:
        enums.update(checked.enums)
        return source
    return earlier
