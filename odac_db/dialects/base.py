"""What a dialect answers. It never owns an algorithm: diff, order and apply are ``migrate``'s.

A dialect is a frozen record of functions, one file per function group, the same file
names in every dialect folder. MariaDB is the MySQL dialect with other features.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec
from sqlalchemy import Connection, Insert, RootTransaction
from sqlalchemy import Table as SQLTable
from sqlalchemy.types import TypeEngine

from odac_db.dialects.canonical import Canonical
from odac_db.dialects.conversion import Conversion
from odac_db.dialects.reach import Reach
from odac_db.dialects.script import Script
from odac_db.dialects.taken_away import Dependants
from odac_db.errors import Problem, ViolationKind
from odac_db.schema.changes import Change
from odac_db.schema.declaration import ColumnDeclaration, Declarations
from odac_db.schema.model import Column, EnumType, Schema, Table
from odac_db.schema.plan import Hazard, Stage, Statement

Version = tuple[int, ...]
Failure = Literal["conflict", "gone", "lost"]
"""Why a transaction may succeed when it is run again.

``conflict``: with another one, or a lock was not to be had. ``gone``: the same, and the
server undid the transaction without the driver's knowing: what followed would be another.
``lost``: the connection broke, so that it is not known whether a COMMIT arrived.
"""
Isolation = Literal["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]


@dataclass(frozen=True, kw_only=True)
class Features:
    """What this server, in this version and this database, can and cannot do.

    ``label`` is for people: "PostgreSQL 18.6". ``namespace`` is the schema (PostgreSQL)
    or database whose tables are managed. ``identifier_limit`` counts bytes of UTF-8 where
    ``identifier_limit_in_bytes``, else characters; 0 means no limit.
    """

    name: str
    label: str
    version: Version
    namespace: str
    identifier_limit: int
    identifier_limit_in_bytes: bool
    transactional_ddl: bool
    alters_in_place: bool  # False: constraint and column changes rebuild the table (SQLite)
    foreign_keys_need_index: bool  # the server makes an index for a key that has none (MySQL)
    enum_types: bool  # enums are types of their own (PostgreSQL)
    named_primary_keys: bool
    unique_constraints: bool  # a UNIQUE constraint and a unique index are two things
    comments: bool
    renames_constraints: frozenset[str]  # kinds RenameConstraint can do in place
    # Whose names are taken for all tables of the namespace: "index", "foreign_key", "check".
    shared_names: frozenset[str] = frozenset({"index"})
    folds_case: bool = False  # column names are equal whatever their case (MySQL, SQLite)
    folds_table_case: bool = False
    folds_type_case: bool = False  # so are type names, and blanks in them mean nothing (SQLite)
    restrict_is_no_action: bool = False  # both are checked at once: two words for one thing
    lock_budget: int = 0  # relations one transaction may lock; 0 where there is no such limit
    lock_ends_with_commit: bool = False  # the migration lock is a transaction (SQLite)
    renames_rewrite_dependants: bool = True  # renaming a column rewrites CHECKs that name it
    breaks_dependants: bool = False  # a trigger or view is left naming what is gone (MySQL)

    def fits(self, name: str) -> bool:
        """Whether an identifier is short enough for the server to keep as it is."""
        size = len(name.encode()) if self.identifier_limit_in_bytes else len(name)
        return not self.identifier_limit or size <= self.identifier_limit


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """Declarations in one server's words, and what that server cannot do of them.

    ``orphan_policy`` is inside each ForeignKey. Problems make planning fail before any DDL.
    """

    schema: Schema
    problems: tuple[Problem, ...] = ()


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """A database's catalog in a few bytes.

    ``value`` is equal only while no DDL has changed what ``introspect`` would answer and no
    upgrade how it answers; empty where that cannot be told cheaply. It may differ for no
    reason that matters. ``ledger`` says whether there is a table ``_odac_state``, None where
    that was not asked.
    """

    value: str = ""
    ledger: bool | None = None


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """The statements of one change. ``carried_by`` and ``stage`` as in ``Operation``."""

    change: Change
    statements: tuple[Statement, ...] = ()
    carried_by: int | None = None
    stage: Stage = "main"


class Render(Protocol):
    """``Dialect.render``."""

    def __call__(
        self,
        changes: Sequence[Change],
        current: Schema,
        target: Schema,
        features: Any,
        big: Collection[str] = ...,
    ) -> Sequence[Rendered]: ...


class Hazards(Protocol):
    """``Dialect.hazards``."""

    def __call__(
        self, change: Change, current: Schema, features: Any, big: Collection[str] = ...
    ) -> tuple[Hazard, ...]: ...


class Size(msgspec.Struct, frozen=True):
    """What the server believes a table holds, without counting."""

    rows: int
    bytes: int


class Claim(msgspec.Struct, frozen=True):
    """A lock on a live table that a plan's transaction takes before its first change."""

    table: str
    sql: str


def _unlimited(_: Connection, __: float) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, kw_only=True)
class Locking:
    """How a plan waits for tables that are in use.

    claims(changes, current, features): the locks that these changes will need, for the
        transaction to take before it does anything; () where DDL is not in a transaction.
    limit(conn, seconds, features): how long a later statement of this session waits for a
        table; None for as long as it takes.
    is_busy(error): whether a driver's exception says that somebody else held a lock.
    cannot(error): whether a driver's exception says that the server cannot do it in the way
        it was asked to, and has done nothing.
    holders(conn, table, features): who has the table, for people; no values of theirs.
    reading(conn, seconds): while it lasts, a read waits no longer than that for somebody who
        keeps everybody out.
    """

    claims: Callable[[Sequence[Change], Schema, Any], tuple[Claim, ...]]
    limit: Callable[[Connection, float | None, Any], None]
    is_busy: Callable[[BaseException], bool]
    cannot: Callable[[BaseException], bool]
    holders: Callable[[Connection, str, Any], tuple[str, ...]]
    reading: Callable[[Connection, float], AbstractContextManager[None]] = _unlimited


def _nothing(_: Connection) -> None:
    return None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A constraint that refused rows, as far as it is named; SQLite's unnamed CHECK by its text."""

    kind: ViolationKind
    constraint: str | None = None
    table: str | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One server family's answers.

    features(conn): one to three cheap statements.
    fingerprint(conn): the catalog hashed by the server in at most two statements, before
        ``features`` is asked for; see ``Fingerprint``.
    introspect(conn, features, only): everything in ``features.namespace`` in a constant
        number of statements; tables whose names start with ``_odac_`` are left out.
        ``only`` limits the answer to these tables (None: all) and reads them as exactly as
        the server can tell them, for a faithful copy: MySQL tells the order of indexes only
        table by table.
    resolve(declarations, features): the declarations in this server's words. Pure.
    declare(schema, features, ...): a live schema as declarations, portable where that
        loses nothing. ``resolve(declare(s)) == s`` is its law. Pure.
    canonicalize(conn, tables, schema, features): each desired table as this server would
        store it, by storing it in a scratch place of its own that leaves no trace
        (temporary table, rolled back; a :memory: database). Foreign keys come back as
        given. ``schema`` is the desired schema, for enum types that do not exist yet.
        A table the server refuses is absent from the answer, see ``Canonical``; a role that may
        make no scratch table at all is a ServerRefused that says what is missing.
    render(changes, current, target, features, big): the ordered changes as statements. Carries
        several changes of one table by one statement where the server wants that. The
        answer has one Rendered per change, in an order the dialect may adapt (SQLite moves
        CleanOrphans behind rebuilds). ``current`` is the live schema, ``target`` what it
        will be after exactly these changes. Of ``big`` tables, by their coming names, no
        statement may hold up others for as long as it takes to go through all rows.
    lossy(before, after, features): why changing a column's type (or dropping its identity,
        ...) may lose data, or None when it never does. Data is not looked at.
    refers(child, parent): whether the server takes a foreign key from the one column to the
        other, judged by their types and collations. False where it is not sure that it does.
    conversion(before, after, desired, features): which values a change of type would refuse
        or alter, as conditions over the column. Pure: the rows are asked by ``migrate``.
    dependants(conn, changes, live, features): what no file holds (views, triggers, ...) and
        that uses what these changes take away, or on which they fail; by their positions.
    hazards(change, current, features, big): locks, rewrites, costs; on ``big`` tables what
        would hold up others for long needs leave.
    try_lock(conn, features): take the migration lock without waiting; False if another has it.
    unlock(conn, features): give it back, whatever state the connection is in.
    begin / commit / rollback(conn): the transaction around a plan; no-ops where DDL commits by
        itself. On SQLite the lock *is* the transaction; commit verifies foreign keys first.
    undone(conn): a scope for reads that may fail; whatever happens in it, it leaves no trace
        and an open transaction stays usable.
    row_key(table): the SQL expressions that together identify a row of the live table for
        batches, e.g. ("ctid",) or the quoted primary key columns; () if there is none.
    typed_row(table): for copying whole rows as JSON and back: the select expression of
        each column (``column::text`` where text restores exactly), in column order.
    quote(identifier): always quoted. locking: how a plan waits for tables that are in use.
    begin_rows(conn, features): begins a data migration's transaction, foreign keys enforced,
        where the lock is held; ``commit`` and ``rollback`` end it. Raises LockNotAcquired.
    script(text): a file of SQL as statements; raises ScriptFault.
    start(conn, isolation): begins an application's transaction on a connection fresh from
        the pool; None leaves the isolation to the server.
    is_open(conn): whether that transaction can still be committed, as far as the driver
        knows. A COMMIT of one that failed succeeds on PostgreSQL, and commits nothing.
    refusal(error, statement): the constraint that a driver's exception is about, or None.
    failure(error): why a driver's exception is no reason to give up, or None.
    sizes(conn, tables, features): what the server believes these live tables hold, in one
        statement; a table may be absent, and all are where size does not matter (SQLite).
    reach(conn): the catalog for invalidation. session(conn): what decides where its names lead.
    value_type(place, declared, column, enums, features): the SQLAlchemy type that takes and
        gives a column's Python values; ``place`` names the column in messages.
    insertion(table, key, update): an INSERT that, where a row with these ``key`` columns is
        there, sets its ``update`` columns instead, or leaves it where there are none.
    ready(conn): what a database needs once before an application's first statement.
    names_conflicts: whether that is about ``key`` alone, and tells how many rows are new. If
        not, it is about any unique key, and that of a row left alone cannot be told.
    writes_see_newer: whether writes meet rows that their transaction's plain SELECT does not show.
    streams_apart: whether a connection can execute others while a result is being streamed.
    """

    name: str
    features: Callable[[Connection], Features]
    fingerprint: Callable[[Connection], Fingerprint]
    introspect: Callable[[Connection, Any, Collection[str] | None], Schema]
    resolve: Callable[[Declarations, Any], Resolved]
    declare: Callable[[Schema, Any], Declarations]
    canonicalize: Callable[[Connection, Sequence[Table], Schema, Any], Canonical]
    render: Render
    lossy: Callable[[Column, Column, Any], str | None]
    refers: Callable[[Column, Column], bool]
    conversion: Callable[[Column, Column, Schema, Any], Conversion]
    dependants: Dependants
    hazards: Hazards
    try_lock: Callable[[Connection, Any], bool]
    unlock: Callable[[Connection, Any], None]
    begin: Callable[[Connection, Any], None]
    commit: Callable[[Connection, Any], None]
    rollback: Callable[[Connection, Any], None]
    undone: Callable[[Connection], AbstractContextManager[object]]
    row_key: Callable[[Table], tuple[str, ...]]
    typed_row: Callable[[Table], tuple[str, ...]]
    quote: Callable[[str], str]
    locking: Locking
    begin_rows: Callable[[Connection, Any], None]
    script: Callable[[str], Script]
    start: Callable[[Connection, Isolation | None], RootTransaction]
    is_open: Callable[[Connection], bool]
    refusal: Callable[[BaseException, str], Refusal | None]
    failure: Callable[[BaseException], Failure | None]
    sizes: Callable[[Connection, Collection[str], Any], Mapping[str, Size]]
    reach: Callable[[Connection], Reach]
    session: Callable[[Connection], str]
    value_type: Callable[
        [str, ColumnDeclaration, Column, Mapping[str, EnumType], Any], TypeEngine[Any]
    ]
    insertion: Callable[[SQLTable, Collection[str], Collection[str]], Insert]
    ready: Callable[[Connection], None] = _nothing
    names_conflicts: bool = True
    writes_see_newer: bool = False
    streams_apart: bool = True
