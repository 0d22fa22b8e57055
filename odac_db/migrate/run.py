"""``plan`` and ``migrate`` of one connection, whole.

A migrate first looks without any lock: most boots find nothing to do. Only then it takes
the lock, and looks again, because another process may have done the work meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.base import Dialect, Features, Fingerprint
from odac_db.errors import OdacDbError, VerificationFailed
from odac_db.ids import nanoid
from odac_db.migrate import ledger, seeds
from odac_db.migrate.apply import Execution, is_ahead
from odac_db.migrate.approval import refuse_if_moved, refuse_if_rows_moved
from odac_db.migrate.behind import execute_behind
from odac_db.migrate.facts import Memory, basis, drift, facts, vouched
from odac_db.migrate.files.apply import FileRun
from odac_db.migrate.files.expand import expanded
from odac_db.migrate.files.program import loaded
from odac_db.migrate.files.record import applied_files
from odac_db.migrate.files.review import named, pending_files
from odac_db.migrate.leader import lead_on, leading
from odac_db.migrate.leave import Leave, Source
from odac_db.migrate.ledger import Ledger
from odac_db.migrate.look import Look, fingerprint_of, settle
from odac_db.migrate.plan import Draft, Request, drafted
from odac_db.migrate.reconcile import learnt
from odac_db.migrate.report import joined, repeated, reported
from odac_db.migrate.reverse import Before, drafted_back
from odac_db.schema.declaration import Declarations
from odac_db.schema.plan import Operation, Plan, Report, SeedResult
from odac_db.violations import Violations


@dataclass(frozen=True, kw_only=True)
class Runner:
    """One connection's plan or migrate: where, what is declared, what is allowed.

    ``back_to`` makes what an earlier run found the aim, instead of the declarations.
    ``known_features`` saves asking for them again. A boot that finds nothing to do never asks.
    """

    conn: Connection
    dialect: Dialect
    source: Source
    leave: Leave
    back_to: Before | None = None
    known_features: Features | None = None
    name: str = "default"

    @cached_property
    def features(self) -> Features:
        """What the server can do, asked for when first needed."""
        return self.known_features or self.dialect.features(self.conn)

    def plan(self) -> Plan:
        """What migrate would do. Changes nothing, not even a ledger table."""
        return self._with_basis(self._look())

    def rehearse(self) -> None:
        """Raises what migrate would raise before its first write."""
        look = self._look()
        refuse_if_moved(self.leave, partial(self._with_basis, look))
        loaded(look.files, self.dialect)

    def migrate(self) -> Report:
        """Brings the database to its declarations; says what was done and what is left."""
        started = time.monotonic()
        look = self._unlocked_look() if self.leave.approved is None else None
        if look is not None and self._idle(look):
            return reported(look.plan, started)
        waited = time.monotonic() - started if look is None else 0.0
        settle(self.leave, look)
        timeout = self.leave.lock_timeout
        with leading(self.conn, self.dialect, self.features, timeout, waited=waited):
            look = self._look()
            refuse_if_moved(self.leave, partial(self._with_basis, look))
            if look.files:
                return self._lead_by_way_of_files(look, started)
            return reported(look.plan, started) if self._idle(look) else self._lead(look, started)

    def _with_basis(self, look: Look) -> Plan:
        """The plan of a look, ready to be saved."""
        drawn = look.draft
        state = self._memory(look, drawn, look.fingerprint).state if drawn else look.ledger.state
        found = basis(look.ledger, self.name, state, self.leave)
        return msgspec.structs.replace(look.plan, basis=found)

    def _lead_by_way_of_files(self, look: Look, started: float) -> Report:
        """What adds, then the data migrations, then, after another look, all the rest."""
        assert look.draft is not None
        programs = loaded(look.files, self.dialect)
        adding = replace(look, plan=expanded(self.dialect, self.features, look.draft), expands=True)
        first, files = self._lead(adding, started), self.file_run().up(programs)
        lead_on(self.conn, self.dialect, self.features, self.leave.lock_timeout)
        look = self._look()
        last = reported(look.plan, started) if self._idle(look) else self._lead(look, started)
        return joined(first, last, files)

    def file_run(self) -> FileRun:
        """Data migrations of this connection, to be run under its lock."""
        told = Violations(self.source.read)
        return FileRun(self.conn, self.dialect, self.features, told, self.leave.listener)

    def _unlocked_look(self) -> Look | None:
        """A look that may fail because somebody else is just changing what it looks at.

        What several statements read may not hang together; under the lock it does.
        """
        try:
            with self.dialect.locking.reading(self.conn, self.leave.lock_timeout):
                return self._look()
        except (DBAPIError, LookupError):
            return None

    def _look(self) -> Look:
        fingerprint = fingerprint_of(self.conn, self.dialect, lambda: self.features)
        book = ledger.read(self.conn, exists=fingerprint.ledger)
        digest = self.source.digest() if self.back_to is None else ""
        nothing = None if self.leave.prune else vouched(book, digest, fingerprint)
        if nothing is not None:
            return Look(ledger=book, fingerprint=fingerprint, plan=nothing)
        return self._full_look(book, fingerprint)

    def _full_look(self, book: Ledger, fingerprint: Fingerprint) -> Look:
        live = self.dialect.introspect(self.conn, self.features, None)
        if self.back_to is not None:
            allow = self.leave.allow
            draft = drafted_back(self.conn, self.dialect, self.features, live, self.back_to, allow)
            seen = Look(ledger=book, fingerprint=fingerprint, plan=draft.plan)
            return replace(seen, live=live, draft=draft)
        files = pending_files(self.source.migrations(), applied_files(self.conn))
        declarations = self.source.read()
        request = Request(
            declarations=declarations,
            allow=self.leave.allow,
            prune=self.leave.prune,
            big_table=self.leave.online.big_table,
        )
        known = ledger.read_known(self.conn, book)
        draft = drafted(self.conn, self.dialect, self.features, request, known, live)
        since = drift(book, self.source.digest(), live, self.features)
        return Look(
            ledger=book,
            fingerprint=fingerprint,
            live=live,
            plan=msgspec.structs.replace(draft.plan, drift=since, files=named(files)),
            draft=draft,
            declarations=declarations,
            known=known,
            seeds_wait=self._seeds_wait(draft, declarations),
            files=files,
        )

    def _seeds_wait(self, draft: Draft, declared: Declarations) -> bool:
        if draft.plan.of_status("pending") or not seeds.are_in(declared):
            return False
        schema = draft.declared
        return bool(seeds.plan_seeds(self.conn, self.dialect, self.features, schema, declared))

    def _idle(self, look: Look) -> bool:
        """Whether there is nothing to execute, to seed or to remember."""
        if look.draft is None:
            return True
        if look.files or look.plan.of_status("pending") or look.seeds_wait:
            return False
        return self._memory(look, look.draft, look.fingerprint).is_in(look.ledger, look.known)

    def _memory(self, look: Look, draft: Draft, fingerprint: Fingerprint) -> Memory:
        """What is worth remembering: nothing vouches for seeds but their rows."""
        known = frozenset(learnt(draft.declared, draft.settled, look.live, self.features))
        idle = self.back_to is None and not seeds.are_in(look.declarations)
        files = self.source.digest()
        state = facts(files, look.plan, look.live, self.features, fingerprint, idle=idle)
        return Memory(state=state, known=known)

    def _lead(self, look: Look, started: float) -> Report:
        """Executes what is pending, and then what that has made possible, until nothing is."""
        given = (self.leave, self.conn, self.dialect, self.features)
        work = Execution(
            conn=self.conn,
            dialect=self.dialect,
            features=self.features,
            run=nanoid(),
            live=look.live,
            listener=self.leave.listener,
            online=self.leave.online,
            check=partial(refuse_if_rows_moved, *given, look),
        )
        pending = look.plan.of_status("pending")
        if look.ledger.exists and is_ahead(pending):
            ledger.forget_tables(self.conn)
        work.execute_ahead(pending)
        atomic = self.features.transactional_ddl
        apart = atomic and any(one.on_big_table for one in look.plan.operations)
        if atomic:
            after, written = work.attempts.until_done(lambda: self._execute(look, work, apart))
        else:
            after, written = self._execute(look, work, apart)
        if apart:
            after = self._behind(work)
        return reported(after.plan, started, work=work, written=written, since=look.plan.drift)

    def _execute(self, look: Look, work: Execution, apart: bool) -> tuple[Look, list[SeedResult]]:
        """One try at all that is pending. May be called again after it was rolled back.

        ``apart``: reading the outcome back would hold up others for long; it comes later.
        """
        written: list[SeedResult] = []
        work.rewind()
        with self._transaction(work):
            ledger.create(self.conn)
            ledger.end_dead_runs(self.conn, but=work.run)
            if not work.operations:
                work.take(look.plan.of_status("pending"))
            while True:
                work.execute_all()
                if look.expands:
                    break
                written += self._seeded(look)
                if apart:
                    return look, written
                look = self._verified(work.operations)
                if self.leave.approved or not work.take(look.plan.of_status("pending")):
                    break
            self._end(look, work)
        return look, written

    def _end(self, look: Look, work: Execution) -> None:
        if work.operations:
            ledger.end_run(self.conn, work.run, work.done)
            if self.back_to is not None and look.plan.in_sync:
                ledger.end_reversal(self.conn, work.run, self.back_to.run)

    def _behind(self, work: Execution) -> Look:
        """What takes long on big tables, and reading back, when others can use them again."""
        try:
            execute_behind(work)
            with self._transaction(work):
                look = self._verified(work.operations)
                self._end(look, work)
        except OdacDbError:
            ledger.end_run(self.conn, work.run, work.done, status="failed")
            raise
        return look

    @contextmanager
    def _transaction(self, work: Execution) -> Iterator[None]:
        """All or nothing where the server can; else a record of how far the run came."""
        atomic = self.features.transactional_ddl
        if atomic:
            self.dialect.begin(self.conn, self.features)
        try:
            yield
        except BaseException as error:
            if atomic:
                self.dialect.rollback(self.conn, self.features)
            if not work.can_be_undone and isinstance(error, OdacDbError):
                ledger.end_run(self.conn, work.run, work.done, status="failed")
            raise
        if atomic:
            self.dialect.commit(self.conn, self.features)

    def _seeded(self, look: Look) -> tuple[SeedResult, ...]:
        if look.draft is None or not seeds.are_in(look.declarations):
            return ()
        return seeds.apply_seeds(
            self.conn, self.dialect, self.features, look.draft.declared, look.declarations
        )

    def _verified(self, executed: Sequence[Operation]) -> Look:
        """Reads the outcome back and remembers it.

        What was blocked may have become possible: duplicates went with the orphans, seeds
        are the parents of what were orphans. Raises VerificationFailed when anything that
        was executed would be executed again.
        """
        before = self.dialect.fingerprint(self.conn)
        look = self._full_look(ledger.read(self.conn, exists=True), before)
        again = repeated(executed, look.plan.of_status("pending"))
        if again:
            raise VerificationFailed([f"{one.kind} {one.summary}" for one in again])
        if look.draft is not None:
            # Of a catalog that somebody changed while it was read nothing can be vouched for.
            after = self.dialect.fingerprint(self.conn)
            kept = after if after == before else Fingerprint()
            memory = self._memory(look, look.draft, kept)
            ledger.write_known(self.conn, memory.known, list(look.draft.declared.tables))
            ledger.write_state(self.conn, memory.state)
        return look
