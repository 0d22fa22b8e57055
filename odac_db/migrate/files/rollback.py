"""The last batch of data migrations taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from odac_db.errors import RollbackRefused
from odac_db.migrate.files.apply import FileRun
from odac_db.migrate.files.program import loaded
from odac_db.migrate.files.record import AppliedFile, applied_files
from odac_db.migrate.leader import leading
from odac_db.schema.files.migrations import MigrationFile


class RolledBack(msgspec.Struct, frozen=True, kw_only=True):
    """What a rollback took back: the batch's number, and its files in the order of that.

    ``batch`` is 0 and ``files`` empty where nothing was applied.
    """

    batch: int = 0
    files: tuple[str, ...] = ()


def rolled_back(work: FileRun, files: Sequence[MigrationFile], lock_timeout: float) -> RolledBack:
    """Takes the last batch back, last file first, each in a transaction of its own.

    Raises RollbackRefused, before anything is undone, for a file of the batch that has no
    ``down``, is missing or was edited; MigrationFileFailed where a ``down`` fails: those
    before it are taken back, it and the rest are not.
    """
    with leading(work.conn, work.dialect, work.features, lock_timeout):
        applied = applied_files(work.conn)
        if not applied:
            return RolledBack()
        number = applied[-1].batch
        batch = [one for one in reversed(applied) if one.batch == number]
        there = {file.name: file for file in files}
        _refuse(_changed(batch, there))
        programs = loaded([there[one.name] for one in batch], work.dialect)
        _refuse([f"{one.file.path} has no down" for one in programs if one.down is None])
        work.down(programs)
        return RolledBack(batch=number, files=tuple(one.name for one in batch))


def _refuse(reasons: Iterator[str] | Sequence[str]) -> None:
    told = "; ".join(reasons)
    if told:
        message = f"nothing was taken back: {told}"
        raise RollbackRefused(message)


def _changed(batch: Sequence[AppliedFile], there: dict[str, MigrationFile]) -> Iterator[str]:
    for one in batch:
        file = there.get(one.name)
        if file is None:
            yield f"{one.name} is missing: put it back"
        elif file.checksum != one.checksum:
            yield f"{file.path} was edited after it was applied: put it back as it was"
