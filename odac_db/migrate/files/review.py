"""Files on disk against files applied: what is pending, and what is out of order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from odac_db.errors import MigrationFilesChanged
from odac_db.migrate.files.record import AppliedFile
from odac_db.schema.files.migrations import MigrationFile


def pending_files(
    files: Sequence[MigrationFile], applied: Sequence[AppliedFile]
) -> tuple[MigrationFile, ...]:
    """The files that are still to be applied, in order.

    Raises MigrationFilesChanged for an applied file that was edited or is missing, and for a
    pending one that sorts before an applied one, all at once.
    """
    problems = [*_edited(files, applied), *_missing(files, applied), *_late(files, applied)]
    if problems:
        raise MigrationFilesChanged(problems)
    done = {one.name for one in applied}
    return tuple(file for file in files if file.name not in done)


def _edited(files: Sequence[MigrationFile], applied: Sequence[AppliedFile]) -> Iterator[str]:
    checksums = {one.name: one for one in applied}
    for file in files:
        one = checksums.get(file.name)
        if one is not None and one.checksum != file.checksum:
            yield (
                f"{file.path} was edited after it was applied at {_when(one)}: put it back as "
                "it was, and the change into a file of its own"
            )


def _missing(files: Sequence[MigrationFile], applied: Sequence[AppliedFile]) -> Iterator[str]:
    there = {file.name for file in files}
    for one in applied:
        if one.name not in there:
            yield (
                f"{one.name} was applied at {_when(one)} and is missing: put it back, or, if it "
                f"is gone for good, DELETE FROM _odac_files WHERE name = '{one.name}'"
            )


def _late(files: Sequence[MigrationFile], applied: Sequence[AppliedFile]) -> Iterator[str]:
    done = {one.name for one in applied}
    last = max(done, default="")
    for file in files:
        if file.name not in done and file.name < last:
            yield f"{file.path} comes before {last}, which is applied: rename it to come after"


def _when(one: AppliedFile) -> str:
    return f"{one.applied_at:%Y-%m-%d %H:%M} UTC"


def named(files: Sequence[MigrationFile]) -> tuple[str, ...]:
    """Their names, as a plan lists them."""
    return tuple(file.name for file in files)
