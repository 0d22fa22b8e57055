"""``Database``: one or more connections, each with its engine and what is declared for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from odac_db.buffered import Journals, options_of
from odac_db.dialects import dialect_of
from odac_db.dialects.connect import engine_of, is_missing, migrating, standing
from odac_db.errors import OdacDbError
from odac_db.executing import Executing
from odac_db.migrate import ledger
from odac_db.migrate.approval import approving
from odac_db.migrate.checked import raise_for_blocked
from odac_db.migrate.hold import known_leave
from odac_db.migrate.leave import Leave, Source
from odac_db.migrate.run import Runner
from odac_db.schema.online import Online
from odac_db.schema.plan import Plan, Progress, Report
from odac_db.sources import DEFAULT, NoSource, Urls, check_names, folder_of, source_of, urls_of
from odac_db.structure import Described

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from odac_db.cache.settings import Cache
    from odac_db.migrate.files.rollback import RolledBack
    from odac_db.migrate.ledger import HistoryEntry
    from odac_db.migrate.orphans.restore import OrphanRun, RestoreResult
    from odac_db.migrate.pull import PullResult

ONLINE = Online()


def unheard(_: Progress) -> None:
    return None


class Database(Described, Executing):
    """A database and the schema declared for it.

    ``engine`` is an ordinary SQLAlchemy engine for the application, ``report`` what
    ``open(..., migrate=True)`` did, ``db["analytics"]`` a connection (a sub-folder of files).
    """

    def __init__(self, name: str, engine: Engine, source: Source | None) -> None:
        self.name = name
        self.engine = engine
        self.report: Report | None = None
        self._source = source
        self._siblings: Mapping[str, Database] = MappingProxyType({name: self})

    @classmethod
    def open(  # noqa: PLR0913 - all but the url by keyword
        cls,
        url: Urls,
        *,
        schema: str | Path | Any | None = None,
        migrate: bool = False,
        allow: Collection[str] = (),
        prune: bool = False,
        strict: bool = False,
        lock_timeout: float = 60.0,
        online: Online = ONLINE,
        progress: Callable[[Progress], None] = unheard,
        cache: str | Cache | None = None,
        buffer: Journals = None,
    ) -> Database:
        """A database, brought to its schema first if ``migrate``.

        ``url`` is one URL, or a mapping of connection names to URLs with a ``default``.
        ``schema`` is a folder of schema files, a SQLAlchemy ``MetaData`` or a declarative
        base. With ``migrate`` every connection is migrated in turn; see ``migrate`` for the
        other arguments and what it raises. ``strict`` raises once all of them are migrated.
        Nothing is connected without ``migrate``. ``cache``: ``"memory"``, a Redis URL or a Cache,
        the same in every process that writes; ``buffer``: a folder or options. Raises OdacDbError.
        """
        urls = urls_of(url)
        found = cls._of({name: engine_of(each) for name, each in urls.items()}, schema)
        for database in found.values():
            database._open_cache(cache)
            database._options = options_of(buffer)
        first = found.get(DEFAULT) or next(iter(found.values()))
        if migrate:
            given: Any = {"lock_timeout": lock_timeout, "online": online, "progress": progress}
            for database in found.values():
                database.report = database.migrate(allow=allow, prune=prune, **given)
            if strict:
                raise_for_blocked(each.report for each in found.values())
        return first

    @classmethod
    def _of(cls, engines: Mapping[str, Engine], schema: object) -> dict[str, Database]:
        """One for each engine, siblings of each other. Raises as ``open``."""
        folder = folder_of(schema)
        check_names(engines, folder)
        found = {
            name: cls(name, engine, source_of(schema, folder, name))
            for name, engine in engines.items()
        }
        for database in found.values():
            database._siblings = MappingProxyType(found)
        return found

    @property
    def connections(self) -> Mapping[str, Database]:
        """Every connection by name, this one included."""
        return self._siblings

    def __getitem__(self, name: str) -> Database:
        """The connection of that name. Raises KeyError naming those there are."""
        if name not in self._siblings:
            message = f"no connection is named {name!r}; there are {', '.join(self._siblings)}"
            raise KeyError(message)
        return self._siblings[name]

    def plan(
        self, *, allow: Collection[str] = (), prune: bool = False, online: Online = ONLINE
    ) -> Plan:
        """What ``migrate`` would do with the same arguments.

        Changes nothing: no ledger table is made, no SQLite file appears. Not promised: that
        the database is still the same when migrate runs. Raises DeclarationError,
        ConnectionFailed, UnsupportedServer, ServerRefused or LedgerIsNewer.
        """
        with standing(self.engine) as conn:
            leave = Leave(allow=known_leave(allow), prune=prune, online=online)
            return self._runner(conn, leave).plan()

    def migrate(
        self,
        *,
        plan: str | Path | Plan | None = None,
        allow: Collection[str] = (),
        prune: bool = False,
        strict: bool = False,
        lock_timeout: float = 60.0,
        online: Online = ONLINE,
        progress: Callable[[Progress], None] = unheard,
    ) -> Report:
        """Brings the database to what is declared; says what was done and what is left.

        One process at a time does it, whoever else boots: the others wait up to
        ``lock_timeout`` seconds and then find nothing to do. What would lose data is held
        back unless ``allow`` names it (``destructive`` for everything, a kind such as
        ``drop_column``, or ``drop_column:posts.slug``). Tables that no file declares are
        left alone unless ``prune``. Orphan rows are copied to ``_odac_orphans`` before they
        are cleaned. What the rows refuse is blocked and reported, and the rest is done; with
        ``strict`` ConstraintSetupError names it then.

        On PostgreSQL and SQLite it is one transaction: all of it, or the database is as it
        was. Apart from it are, on PostgreSQL, ADD VALUE of an enum, what takes long on a big
        table, and the parts of a plan that locks more than the server's lock table holds; and
        everywhere data migrations, each a transaction of its own. MySQL and MariaDB commit
        each statement. After a failure the next migrate goes on from what stands.

        A table that others use is waited for a moment at a time, because whoever comes after
        queues up behind; then they have their turn, and it is tried again: see ``Online``. With
        a buffer, what this host has buffered for tables that change is brought in before.

        With ``plan`` (of ``Database.plan``, or the file it was saved to) exactly that plan is
        carried out: it says itself what is allowed. PlanRefused says what has moved since.

        Raises DeclarationError, PlanRefused, ConnectionFailed, UnsupportedServer, ServerRefused,
        LockNotAcquired, TableBusy, LedgerIsNewer, MigrationFailed, VerificationFailed, SeedError
        and, if ``strict``, ConstraintSetupError.
        """
        leave = Leave(
            allow=known_leave(allow),
            prune=prune,
            lock_timeout=lock_timeout,
            online=online,
            listener=progress,
            settle=self._settling(lock_timeout),
        )
        if plan is not None:
            leave = approving(plan, self.name, leave)
        if is_missing(self.engine):
            with standing(self.engine) as conn:
                self._runner(conn, leave).rehearse()
        with migrating(self.engine) as conn:
            report = self._runner(conn, leave).migrate()
        if strict:
            raise_for_blocked([report])
        return report

    def rollback(self, *, lock_timeout: float = 60.0) -> RolledBack:
        """Takes back the data migrations that the last migrate with any applied.

        Their ``down`` runs, last file first, each in a transaction of its own; then they are
        pending again. The structure stays as it is. Raises RollbackRefused before anything
        is undone, MigrationFileFailed, LockNotAcquired or ConnectionFailed.
        """
        from odac_db.migrate.files.rollback import rolled_back

        with standing(self.engine) as conn:
            runner = self._runner(conn, Leave())
            return rolled_back(runner.file_run(), runner.source.migrations(), lock_timeout)

    def pull(self, directory: str | Path, *, force: bool = False) -> PullResult:
        """Writes the live database as schema files.

        Files that would change are left unless ``force``: then PullRefused lists them and
        nothing is written. What a file cannot hold is in the result's ``unsupported``.
        """
        from odac_db.migrate.pull import pull

        with standing(self.engine) as conn:
            return pull(conn, dialect_of(conn), Path(directory), force=force)

    def history(self) -> tuple[HistoryEntry, ...]:
        """Every migrate that changed this database, oldest first.

        A migrate whose process was killed is told as ``died`` (MySQL and MariaDB, and on
        PostgreSQL one committed in parts; elsewhere it left nothing to tell).
        """
        from odac_db.migrate.history import history

        with standing(self.engine) as conn:
            return history(conn, dialect_of(conn))

    def plan_back(self, run: str, *, allow: Collection[str] = ()) -> Plan:
        """What would take back the structural changes of a run (see ``history``).

        Values are not kept: hazards named ``not_restored`` say what comes back empty or
        stays converted. What the run cleaned away is for ``restore_orphans``. Changes
        nothing. Raises ReverseRefused for a run that is unknown or taken back already, and
        for one whose tables a later run changed.
        """
        with standing(self.engine) as conn:
            return self._way_back(conn, run, Leave(allow=known_leave(allow))).plan()

    def migrate_back(
        self, run: str, *, allow: Collection[str] = (), lock_timeout: float = 60.0
    ) -> Report:
        """Takes back the structural changes of a run, with the promises of ``migrate``.

        What the run made is dropped, and so held back unless ``allow`` names it. The
        declarations are not looked at: change them back as well, or the next migrate
        applies them again. Raises what ``migrate`` raises, and ReverseRefused.
        """
        settle = self._settling(lock_timeout)
        leave = Leave(allow=known_leave(allow), lock_timeout=lock_timeout, settle=settle)
        with standing(self.engine) as conn:
            return self._way_back(conn, run, leave).migrate()

    def orphan_runs(self) -> tuple[OrphanRun, ...]:
        """What migrates cleaned away before adding foreign keys, by run and constraint."""
        from odac_db.migrate.orphans.restore import runs

        with standing(self.engine) as conn:
            return runs(conn)

    def restore_orphans(self, run: str, *, constraint: str | None = None) -> RestoreResult:
        """Puts back what a run cleaned, as far as the constraints of today allow.

        Rows that still refer to nothing are refused one by one, with the reason. Restoring
        twice restores nothing twice.
        """
        from odac_db.migrate.orphans.restore import restore

        with standing(self.engine) as conn:
            dialect = dialect_of(conn)
            features = dialect.features(conn)
            live = dialect.introspect(conn, features, None)
            return restore(conn, dialect, features, live, run, constraint=constraint)

    def close(self) -> None:
        """Flushes what is buffered, closes every connection's pool. May be called twice."""
        for database in self._siblings.values():
            database._close_buffer()
            database.engine.dispose()
            database._close_cache()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _runner(self, conn: Connection, leave: Leave) -> Runner:
        if self._source is None:
            message = "no schema is given: Database.open(url, schema=...)"
            raise OdacDbError(message)
        return _runner(conn, self._source, leave, self.name)

    def _way_back(self, conn: Connection, run: str, leave: Leave) -> Runner:
        before = ledger.found_before(conn, run)
        return replace(_runner(conn, self._source or NoSource(), leave, self.name), back_to=before)


def _runner(conn: Connection, source: Source, leave: Leave, name: str) -> Runner:
    return Runner(conn=conn, dialect=dialect_of(conn), source=source, leave=leave, name=name)
