"""What ``Database.open`` is given: URLs, and a folder of files or SQLAlchemy metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sqlalchemy import URL, MetaData, Table

from odac_db.errors import DeclarationError, OdacDbError
from odac_db.schema.declaration import Declarations

if TYPE_CHECKING:
    from odac_db.schema.files.migrations import MigrationFile

DEFAULT = "default"

Urls: TypeAlias = str | URL | Mapping[str, str | URL]


class DeclaredSource(Protocol):
    """Where declarations come from."""

    def read(self) -> Declarations: ...


class SchemaFolder:
    """A folder of schema files, read at most once, and only when its contents are needed."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._migrations: dict[str, tuple[MigrationFile, ...]] = {}

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """A hash of each connection's files.

        Raises DeclarationError where one cannot be read, with all faults of all files.
        """
        from odac_db.schema.files import folder_digest

        try:
            return folder_digest(self.path)
        except DeclarationError:
            # Reading finds the same faults, and those of the files that could be read.
            _ = self.declarations
            raise

    @cached_property
    def declarations(self) -> Mapping[str, Declarations]:
        """Each connection's declarations; raises DeclarationError with all faults."""
        from odac_db.schema.files import read_folder

        return read_folder(self.path)

    def migrations(self, connection: str) -> tuple[MigrationFile, ...]:
        """A connection's data migrations; raises DeclarationError for names out of order."""
        from odac_db.schema.files.migrations import migration_files

        if connection not in self._migrations:
            own = self.path if connection == DEFAULT else self.path / connection
            self._migrations[connection] = migration_files(own)
        return self._migrations[connection]


@dataclass(frozen=True)
class FolderSource:
    """One connection's part of a schema folder."""

    folder: SchemaFolder
    connection: str

    def digest(self) -> str:
        """Of the schema files, and of the data migrations if there are any."""
        from odac_db.schema.files.migrations import digest_of

        return self.folder.digests.get(self.connection, "") + digest_of(self.migrations())

    def migrations(self) -> tuple[MigrationFile, ...]:
        return self.folder.migrations(self.connection)

    def read(self) -> Declarations:
        return self.folder.declarations.get(self.connection, Declarations())


class MetadataSource:
    """SQLAlchemy ``MetaData`` or a declarative base. It has no digest: reading it is cheap."""

    def __init__(self, metadata: object) -> None:
        self._metadata = metadata

    def digest(self) -> str:
        return ""

    def migrations(self) -> tuple[MigrationFile, ...]:
        return ()

    def read(self) -> Declarations:
        return self._declarations

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """The tables themselves, by name."""
        metadata: Any = getattr(self._metadata, "metadata", self._metadata)
        return {str(table.name): table for table in metadata.tables.values()}

    @cached_property
    def _declarations(self) -> Declarations:
        from odac_db.schema.metadata import declarations_of

        return declarations_of(self._metadata)


@dataclass(frozen=True)
class NoSource:
    """Nothing is declared and nothing needs to be."""

    def migrations(self) -> tuple[MigrationFile, ...]:
        return ()

    def digest(self) -> str:
        return ""

    def read(self) -> Declarations:
        return Declarations()


def urls_of(given: object) -> dict[str, str | URL]:
    """The URL of every connection. Raises OdacDbError for anything else."""
    if isinstance(given, str | URL):
        return {DEFAULT: given}
    if not isinstance(given, Mapping):
        message = f"a database URL or a mapping of names to URLs is expected, {_told(given)}"
        raise OdacDbError(message)
    if not given:
        raise OdacDbError("no database URL is given")
    for name, url in given.items():
        if not isinstance(url, str | URL):
            raise OdacDbError(f"a database URL is expected for {name!r}, {_told(url)}")
    return dict(given)


def folder_of(schema: object) -> SchemaFolder | None:
    """The folder, if the schema is one. Raises OdacDbError for what is no schema at all."""
    if isinstance(schema, str | Path):
        return SchemaFolder(schema)
    if schema is None or isinstance(getattr(schema, "metadata", schema), MetaData):
        return None
    message = "a folder of schema files, a SQLAlchemy MetaData or a declarative base is expected"
    raise OdacDbError(f"schema: {message}, {_told(schema)}")


def source_of(
    schema: object, folder: SchemaFolder | None, name: str
) -> FolderSource | MetadataSource | None:
    """Where the declarations of the connection of that name come from."""
    if folder is not None:
        return FolderSource(folder, name)
    return None if schema is None else MetadataSource(schema)


def check_names(urls: Mapping[str, object], folder: SchemaFolder | None) -> None:
    """Every connection that has files must have a URL: silence would leave it behind."""
    declared = folder.digests if folder is not None and folder.path.is_dir() else {}
    missing = [name for name in declared if name not in urls and name != DEFAULT]
    if missing:
        place = folder.path if folder else ""
        message = f"{place} has files for {', '.join(missing)}, but no URL is given for it"
        raise OdacDbError(message)


def _told(given: object) -> str:
    """What it is instead. Its text is not repeated: a password may be in it."""
    return "not None" if given is None else f"not an object of class {type(given).__name__}"
