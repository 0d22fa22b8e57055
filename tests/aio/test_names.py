"""The names for asyncio are those of the others, and cost nothing where they are not used."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from typing import Any

import pytest

from odac_db import (
    AsyncBuffer,
    AsyncBufferedRow,
    AsyncBufferedTable,
    AsyncDatabase,
    AsyncQuery,
    AsyncTable,
    AsyncTransaction,
    Buffer,
    BufferedRow,
    BufferedTable,
    ConnectionFailed,
    Database,
    Query,
    Table,
    Transaction,
    UnsupportedServer,
)
from odac_db.aio.caches import AsyncCacheControl
from odac_db.aio.queries import AsyncGrouped, AsyncQueryCache
from odac_db.aio.returning import AsyncReturning
from odac_db.cached import CacheControl
from odac_db.query.caching import QueryCache
from odac_db.query.groups import Grouped
from odac_db.query.returning import Returning
from tests.docs.pages import ROOT

TWINS = {
    Database: AsyncDatabase,
    Transaction: AsyncTransaction,
    Query: AsyncQuery,
    Table: AsyncTable,
    Grouped: AsyncGrouped,
    Returning: AsyncReturning,
    QueryCache: AsyncQueryCache,
    CacheControl: AsyncCacheControl,
    Buffer: AsyncBuffer,
    BufferedTable: AsyncBufferedTable,
    BufferedRow: AsyncBufferedRow,
}
PAIRS = pytest.mark.parametrize("plain", TWINS, ids=lambda plain: plain.__name__)


def public(owner: type) -> set[str]:
    return {name for name in dir(owner) if not name.startswith("_") or name == "__call__"} - {"mro"}


@PAIRS
def test_names_are_the_same(plain: type) -> None:
    twin = TWINS[plain]
    named = {"connection", "options"}  # an attribute there, a property here
    assert public(twin) - named == public(plain) - named


@PAIRS
def test_parameters_are_the_same(plain: type) -> None:
    def parameters(owner: type, name: str) -> list[tuple[str, Any, Any]]:
        found = inspect.signature(getattr(owner, name)).parameters.values()
        return [(one.name, one.kind, one.default) for one in found]

    for name in public(plain) & public(TWINS[plain]):
        if inspect.isroutine(getattr(plain, name)):
            assert parameters(TWINS[plain], name) == parameters(plain, name), name


def fresh(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_nothing_of_it_is_imported_before_it_is_used() -> None:
    look = "print(sorted({'asyncio', 'greenlet', 'sqlalchemy'} & set(sys.modules)))"
    assert fresh(f"import sys, odac_db; {look}") == "[]\n"
    look = "print('sqlalchemy.ext.asyncio' in sys.modules, 'greenlet' in sys.modules)"
    used = "odac_db.Database.open('sqlite://').execute(sqlalchemy.text('SELECT 1'))"
    assert fresh(f"import sys, sqlalchemy, odac_db; {used}; {look}") == "False False\n"


@pytest.mark.parametrize(
    ("missing", "url", "extra"),
    [
        ("greenlet", "sqlite:///app.db", r"odac-db\[async\]"),
        ("aiosqlite", "sqlite:///app.db", r"odac-db\[async\]"),
        ("aiomysql", "mysql://ada@db/app", r"odac-db\[async\]"),
        ("psycopg", "postgresql://ada@db/app", r"odac-db\[postgresql\]"),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_extra(
    missing: str, url: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConnectionFailed, match=rf"{missing} is not installed: .*'{extra}'"):
        asyncio.run(AsyncDatabase.open(url))


@pytest.mark.parametrize(
    "url", ["postgresql+asyncpg://ada:s3cret@db/app", "mysql+asyncmy://ada:s3cret@db/app"]
)
def test_another_driver_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(UnsupportedServer, match=r"write (postgresql|mysql)://") as refused:
        asyncio.run(AsyncDatabase.open(url))
    assert "s3cret" not in str(refused.value)


def test_the_driver_may_be_named(tmp_path: Any) -> None:
    async def main() -> None:
        async with await AsyncDatabase.open(f"sqlite+aiosqlite:///{tmp_path}/app.db") as db:
            assert db.engine.url.drivername == "sqlite+aiosqlite"

    asyncio.run(main())
