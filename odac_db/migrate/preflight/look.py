"""Reading the rows: grouped counts, and samples of what was counted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Executable, FromClause, Row, case, func, select
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.base import Dialect
from odac_db.migrate.foreseen import Foreseen
from odac_db.migrate.preflight.told import SAMPLES, Sample, rows_of, sample, spelled
from odac_db.schema.plan import Finding, FindingKind


class RowCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that the rows of one table should not meet.

    ``said`` follows the number of rows in the finding's message, ``remedy`` ends it.
    ``shown`` are columns that samples show beside the primary key. ``counts`` False asks
    for nothing but whether the condition can be computed for every row.
    """

    position: int
    table: str
    kind: FindingKind
    condition: ColumnElement[bool]
    said: str
    remedy: str
    shown: tuple[str, ...] = ()
    refuses: bool = True
    counts: bool = True


class Look:
    """One look at the rows behind a plan."""

    def __init__(
        self, conn: Connection, dialect: Dialect, foreseen: Foreseen, setup: Collection[str] = ()
    ) -> None:
        """``setup`` are statements that what is asked needs, see ``Conversion``."""
        self._conn = conn
        self._dialect = dialect
        self._setup = tuple(dict.fromkeys(setup))
        self.foreseen = foreseen
        self.unread: set[int] = set()
        """Positions of changes about which there is a condition that cannot be read."""
        self.narrowed: frozenset[tuple[str, str]] = frozenset()
        """Columns whose values the plan may make equal."""

    def rows(self, statement: Executable) -> Sequence[Row[Any]]:
        """The answer to a SELECT. Raises DBAPIError, and leaves no failed transaction."""
        with self._dialect.undone(self._conn):
            for each in self._setup:
                self._conn.exec_driver_sql(each, execution_options={"no_parameters": True})
            return self._conn.execute(statement).all()

    def mended(self, *tables: str) -> bool:
        """Whether a conversion that cannot be read was in the way; its table is read without.

        It must not keep other columns from being asked about.
        """
        kept = [t for t in tables if self._is_unreadable(t) and self.foreseen.keep_values(t)]
        return bool(kept)

    def _is_unreadable(self, table: str) -> bool:
        rows = self.foreseen.source(table, table)
        if rows is None:
            return False
        try:
            self.rows(select(rows).limit(0))
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            return True
        return False

    def shown(self, table: str, rows: FromClause, columns: Sequence[str]) -> list[str]:
        """The names of the primary key's columns, then of these, that can be read."""
        found = self.foreseen.table(table)
        key = found.primary_key.columns if found is not None and found.primary_key else ()
        return [name for name in dict.fromkeys((*key, *columns)) if name in rows.c]

    def samples(
        self, rows: FromClause, condition: ColumnElement[bool], shown: Sequence[str]
    ) -> tuple[Sample, ...]:
        """A few of the rows that meet a condition."""
        picked = select(*(rows.c[name] for name in shown)).select_from(rows).where(condition)
        return tuple(sample(shown, row) for row in self.rows(picked.limit(SAMPLES)))

    def findings(self, checks: Sequence[RowCheck]) -> Iterator[tuple[int, Finding]]:
        """What row checks find, with the position of their change: one pass per table."""
        for table in dict.fromkeys(one.table for one in checks):
            rows = self.foreseen.source(table, table)
            if rows is not None:
                mine = [one for one in checks if one.table == table]
                yield from self._of_table(table, rows, mine)

    def _of_table(
        self, table: str, rows: FromClause, checks: Sequence[RowCheck]
    ) -> Iterator[tuple[int, Finding]]:
        counted = [func.count(case((one.condition, 1))) for one in checks]
        try:
            (counts,) = self.rows(select(*counted).select_from(rows))
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            if self.mended(table):
                yield from self.findings(checks)
            else:
                yield from self._one_by_one(rows, checks, error)
            return
        for one, count in zip(checks, counts, strict=True):
            if count and one.counts:
                yield one.position, self._finding(rows, one, int(count))

    def _one_by_one(
        self, rows: FromClause, checks: Sequence[RowCheck], error: DBAPIError
    ) -> Iterator[tuple[int, Finding]]:
        """What is left where some condition fails on some row, as in ``1 / stock > 0``.

        One that fails without any row is not for us to read: the server will tell.
        """
        if len(checks) > 1:
            for one in checks:
                yield from self._of_table(one.table, rows, [one])
            return
        (only,) = checks
        nowhere = select(func.count(case((only.condition, 1)))).select_from(
            select(rows).limit(0).subquery(only.table)
        )
        try:
            self.rows(nowhere)
        except DBAPIError:
            self.unread.add(only.position)
            return
        words = str(error.orig).splitlines()[0]
        message = f"{only.table} has rows for which that cannot be computed ({words}); mend them"
        yield only.position, Finding(kind=only.kind, message=message, refuses=True)

    def _finding(self, rows: FromClause, one: RowCheck, count: int) -> Finding:
        shown = self.shown(one.table, rows, one.shown)
        samples = self.samples(rows, one.condition, shown) if shown else ()
        found = f"{rows_of(count, one.table)} {one.said}"
        found += f": {spelled(samples)}" if samples else ""
        return Finding(
            kind=one.kind,
            count=count,
            samples=samples,
            message=f"{found}; {one.remedy}" if one.remedy else found,
            refuses=one.refuses,
        )
