"""What can go wrong with data migrations."""

from __future__ import annotations

from collections.abc import Sequence

from odac_db.errors.base import OdacDbError


class MigrationFilesChanged(OdacDbError):
    """Data migrations on disk do not go with those that were applied; nothing was changed.

    Each of ``problems`` names a file that was edited, is missing or comes too early, and
    says what to do.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        return f"the data migrations do not go with those that were applied:\n{lines}"


class MigrationFileFailed(OdacDbError):
    """A data migration failed. It is rolled back and stays pending; those before it stand.

    MySQL and MariaDB commit at each DDL statement: what the file did up to its last one
    stands. The next migrate runs the file again.
    """

    def __init__(self, file: str, reason: str, *, sql: str = "") -> None:
        self.file = file
        self.reason = reason
        self.sql = sql
        super().__init__(file, reason, sql)

    def __reduce__(self) -> tuple[object, ...]:
        return (_migration_file_failed, self.args)

    def __str__(self) -> str:
        statement = f"\n  {self.sql}" if self.sql else ""
        return (
            f"{self.file}: {self.reason}{statement}\n  the file is not applied; mend it and run "
            "migrate again, which begins with this file"
        )


def _migration_file_failed(file: str, reason: str, sql: str) -> MigrationFileFailed:
    return MigrationFileFailed(file, reason, sql=sql)


class RollbackRefused(OdacDbError):
    """Data migrations cannot be taken back; none was."""
