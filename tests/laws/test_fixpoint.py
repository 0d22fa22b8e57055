"""The law of migrate: the second plan is empty, and the way there leaves no trace.

Any two folders A and B of the generator: A to B to A, each time to an empty plan, to the
structure that a fresh database gets, and with the rows of surviving columns unchanged.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, Phase, event, given, settings

from odac_db import MigrationFailed
from tests.conftest import LONG
from tests.fixtures import databases
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.servers import Server
from tests.laws import rows
from tests.laws.folder import live, migrated, opened, planned, shapes, told, written
from tests.laws.kinds import Kit, kit_of
from tests.laws.repair import Folder
from tests.strategies import folders, pairs

SHORT = {"sqlite": 30, "postgresql": 15, "mysql": 8}


def law(server: Server, share: float = 1.0) -> settings:
    """As many examples as the dose asks for; DDL is slow on some servers, shrinking on all."""
    phases = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if LONG else [])]
    return settings(
        max_examples=500 if LONG else max(4, int(SHORT[server.family] * share)),
        deadline=None,
        derandomize=not LONG,
        print_blob=True,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )


REFUSED = re.compile(
    r"UNIQUE constraint failed|NOT NULL constraint failed|CHECK constraint failed"
    r"|contains null values|could not create unique index|is violated by some row"
    r"|out of range|invalid input|cannot be cast|value too long|overflow|malformed"
    r"|Duplicate entry|Data truncated|Incorrect .* value|Data too long|Invalid use of NULL"
    r"|constraint .* is violated|CONSTRAINT .* failed|Invalid JSON|Truncated incorrect"
    r"|cannot store|Cannot cast|datatype mismatch|could not convert|does not match",
    re.IGNORECASE,
)
"""What servers say when values, not the structure, are in the way of a change."""


class Transition:
    """One database on its way from folder to folder."""

    def __init__(self, server: Server, directory: Path, kit: Kit) -> None:
        self.kit = kit
        self.directory = directory
        self.database = databases.create(server, directory)

    def bring(self, folder: Folder) -> None:
        """Migrate; nothing may be left, and the next plan is empty."""
        files = written(folder, self.directory / "files")
        report = migrated(self.database, files)
        assert not told(report)
        assert not told(planned(self.database, files))
        # Full leave is not what makes it empty.
        assert not told(planned(self.database, files, allow=(), prune=False))

    def bring_rows(self, before: Folder, after: Folder) -> None:
        """As ``bring``, for a database with rows, which may legitimately be in the way."""
        stood = rows.everything(self.database, before, self.kit)
        outcome = self.attempt(after)
        event(outcome)
        if outcome == "refused" and not self.kit.mysql_family:
            assert rows.everything(self.database, before, self.kit) == stood
        elif outcome != "refused":
            self.compare(before, rows.survivors(before, after), stood)
        if outcome != "done":
            rows.delete(self.database, list(live(self.database).tables), self.kit)
        self.bring(after)

    def attempt(self, after: Folder) -> str:
        """Migrate: "done", "blocked" (reported, the rest done) or "refused" by the server."""
        files = written(after, self.directory / "files")
        try:
            report = migrated(self.database, files)
        except MigrationFailed as error:
            if not REFUSED.search(error.reason):
                raise
            return "refused"
        if report.in_sync:
            return "done"
        assert any(op.status == "blocked" for op in report.remaining), told(report)
        assert not any(op.status == "pending" for op in report.remaining), told(report)
        return "blocked"

    def compare(self, before: Folder, columns_by_table: rows.Columns, stood: rows.Rows) -> None:
        """Every row of every one of these columns is as it was, under the name it has."""
        tables = live(self.database).tables
        for old, new, columns in columns_by_table:
            table = tables[new if new in tables else old]
            names = [late if table.column(late) else early for early, late in columns]
            read = [name for name in before[old]["columns"] if name != "times"]
            places = [read.index(early) for early, _ in columns]
            expected = [tuple(row[place] for place in places) for row in stood[old]]
            found = rows.read(self.database, table.name, names, self.kit)
            assert found == sorted(expected, key=repr), f"{old} → {new}: {columns}"


@contextmanager
def transition(server: Server, directory: Path) -> Iterator[Transition]:
    made = Transition(server, directory, kit_of(server))
    try:
        yield made
    finally:
        databases.drop(made.database)


def fresh_shapes(server: Server, directory: Path, folder: Folder) -> object:
    with transition(server, directory) as other:
        other.bring(folder)
        return shapes(other.database, folder)


def test_every_way_ends_where_a_fresh_start_does(server: Server, tmp_path: Path) -> None:
    @law(server)
    @given(pair=pairs(kit_of(server)))
    def there_and_back(pair: tuple[Folder, Folder]) -> None:
        before, after = pair
        with transition(server, tmp_path) as way:
            way.bring(before)
            start = shapes(way.database, before)
            way.bring(after)
            expected = fresh_shapes(server, tmp_path, after)
            assert shapes(way.database, after) == expected
            way.bring(before)
            assert shapes(way.database, before) == start

    there_and_back()


def test_rows_of_surviving_columns_are_unchanged(server: Server, tmp_path: Path) -> None:
    kit = kit_of(server)

    @law(server)
    @given(pair=pairs(kit))
    def with_rows(pair: tuple[Folder, Folder]) -> None:
        before, after = pair
        with transition(server, tmp_path) as way:
            way.bring(before)
            rows.insert(way.database, before, kit)
            way.bring_rows(before, after)

    with_rows()


def test_what_is_pulled_is_in_sync_and_makes_the_same_again(server: Server, tmp_path: Path) -> None:
    @law(server, 0.7)
    @given(folder=folders(kit_of(server)))
    def pulled(folder: Folder) -> None:
        files = Path(tempfile.mkdtemp(dir=tmp_path))
        with transition(server, tmp_path) as way, transition(server, tmp_path) as other:
            way.bring(folder)
            pull(way.database, files)
            assert not told(planned(way.database, files, allow=(), prune=False))
            assert not told(migrated(other.database, files, allow=(), prune=False))
            assert spelt(other.database.dump()) == spelt(way.database.dump())
            pull_again(way.database, files)

    pulled()


CAST = re.compile(r"\(('(?:[^']|'')*'::character varying)\)::text")
LIST = re.compile(r"\((ARRAY\[[^\]]*\])\)::text\[\]")


def spelt(dump: str) -> str:
    """The dump with one spelling of lists; PostgreSQL prints again what it printed otherwise."""
    return LIST.sub(r"\1", CAST.sub(r"\1", dump))


def pull(database: LiveDatabase, files: Path) -> None:
    with opened(database, files) as db:
        assert not db.pull(files, force=True).unsupported


def pull_again(database: LiveDatabase, files: Path) -> None:
    with opened(database, files) as db:
        assert not db.pull(files).written
