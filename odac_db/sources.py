"""Where declarations come from: a folder of files, or SQLAlchemy metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from odac_db.errors import DeclarationError
from odac_db.schema.declaration import Declarations

if TYPE_CHECKING:
    from odac_db.schema.files.migrations import MigrationFile

DEFAULT = "default"


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
