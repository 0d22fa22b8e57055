"""For how long: the same seconds are understood, and refused, wherever they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from odac_db import Cache, Database, OdacDbError, QueryRefused
from tests.behaviours.steps import table
from tests.query.site import write

WRONG = [0, -1, 0.0, float("inf"), float("-inf"), float("nan"), 1e17, 10**400, "60"]


@pytest.fixture(params=["memory", "redis"])
def db(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> Iterator[Database]:
    store = "memory" if request.param == "memory" else redis_url
    write(tmp_path / "schema", {"posts": table({"id": {"type": "integer", "primary": True}})})
    cache = Cache(store=store, ttl=50, commit_within=0.05, directory=tmp_path)
    url = f"sqlite:///{tmp_path / 'app.db'}"
    with Database.open(url, schema=tmp_path / "schema", migrate=True, cache=cache) as opened:
        yield opened


@pytest.mark.parametrize("seconds", WRONG)
def test_what_is_no_time_is_refused_before_anything_is_asked(seconds: Any, db: Database) -> None:
    with pytest.raises(QueryRefused, match="seconds to keep rows, more than 0 and at most"):
        db.posts.cache(seconds)
    with pytest.raises(QueryRefused, match="seconds to keep rows, more than 0 and at most"):
        db.execute(text("SELECT nothing FROM nowhere"), cache=seconds)


@pytest.mark.parametrize("seconds", [None, True, 0.001, 1, 10 * 365 * 86_400])
def test_what_is_a_time_is_kept_so_long(
    seconds: Any, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[float] = []
    store = db._caching.store  # type: ignore[union-attr] # it caches
    real = store.fill

    def fill(key: Any, tables: Any, entry: Any, ttl: float) -> bool:
        kept.append(ttl)
        return real(key, tables, entry, ttl)

    monkeypatch.setattr(store, "fill", fill)
    reads: list[Callable[[], Any]] = [lambda: db.posts.cache(seconds).all()]
    if seconds is not None:
        reads.append(lambda: db.execute(text("SELECT id FROM posts"), cache=seconds).all())
    for read in reads:
        while not kept:
            assert list(read()) == []
        assert kept.pop() == (50 if seconds is None or seconds is True else seconds)


@pytest.mark.parametrize("name", ["ttl", "commit_within", "timeout"])
@pytest.mark.parametrize("seconds", [*WRONG, None, True, False])
def test_what_is_no_time_is_no_setting(name: str, seconds: Any) -> None:
    given: dict[str, Any] = {name: seconds}
    with pytest.raises(OdacDbError, match=f"seconds of {name}, more than 0 and at most"):
        Cache(**given)
