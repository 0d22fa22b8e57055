"""A ``Database`` that answers what a test gives it, to test the command line alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import ModuleType, TracebackType
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from odac_db.schema.changes import kind_of, table_of
from odac_db.schema.plan import Operation, Plan, Report

Answer = TypeVar("Answer")


class FakeDatabase:
    """Remembers how it was opened and asked; answers with ``plans`` and ``reports``."""

    def __init__(self, name: str = "default", url: str = "sqlite://") -> None:
        self.name = name
        self.engine = sa.create_engine("sqlite://")
        self.url = url
        self.answer_plan = Plan()
        self.answer_report = Report()
        self.failure: BaseException | None = None
        self.asked: dict[str, Any] = {}
        self.opened: dict[str, Any] = {}
        self.connections: Mapping[str, FakeDatabase] = {name: self}
        self.closed = False

    def __enter__(self) -> FakeDatabase:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.closed = True
        self.engine.dispose()

    def plan(self, **options: Any) -> Plan:
        return self._answer(options, self.answer_plan)

    def migrate(self, **options: Any) -> Report:
        return self._answer(options, self.answer_report)

    def history(self) -> tuple[Any, ...]:
        return ()

    def orphan_runs(self) -> tuple[Any, ...]:
        return ()

    def _answer(self, options: dict[str, Any], answer: Answer) -> Answer:
        self.asked = options
        if self.failure is not None:
            raise self.failure
        return answer


def install(
    monkeypatch: pytest.MonkeyPatch, database: FakeDatabase | Callable[[Any], FakeDatabase]
) -> dict[str, Any]:
    """Make ``odac_db.database`` open that database; returns what it was opened with."""
    opened: dict[str, Any] = {}

    class Database:
        @classmethod
        def open(cls, url: Any, **options: Any) -> FakeDatabase:
            opened.update(url=url, **options)
            return database if isinstance(database, FakeDatabase) else database(url)

    module = ModuleType("odac_db.database")
    module.Database = Database  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "odac_db.database", module)
    return opened


def operation(change: Any, **facts: Any) -> Operation:
    """An operation around a change, with its kind and table filled in."""
    defaults = {"kind": kind_of(change), "table": table_of(change), "name": "", "summary": ""}
    return Operation(change=change, **{**defaults, **facts})
