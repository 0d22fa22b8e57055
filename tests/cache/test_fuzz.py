"""Random questions times random changes: after each the cached answer equals a direct one."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odac_db import Cache, Database
from tests.cache.fuzzed import Changes, Questions, built
from tests.fixtures.databases import LiveDatabase

Dose = Callable[[int, int], int]
ASKED = 25
"""Questions at a time; each is asked after each change."""
CHANGES = 40
"""Changes until others are asked."""


def rows(db: Database, question: Any, cache: float | None) -> list[str]:
    return sorted(repr(tuple(row)) for row in db.execute(question, cache=cache))


@pytest.mark.torture
def test_cached_answers_equal_direct_ones(
    database: LiveDatabase, tmp_path: Path, dose: Dose, record_property: Callable[[str, Any], None]
) -> None:
    seed = int(os.environ.get("ODAC_TEST_SEED", "0")) or random.randrange(10**9)
    chance = random.Random(seed)
    pairs, changes = dose(300, 20_000), Counter[str]()
    with Database.open(database.url, cache=Cache(directory=tmp_path, commit_within=60)) as db:
        built(db, database.family)
        needless = asked = 0
        doing = Changes(chance, db, database.family)
        questions = Questions(chance, database.family)
        while asked < pairs:
            pool = [questions.one() for _ in range(ASKED)]
            before = [rows(db, one, 600) for one in pool]
            for _ in range(min(CHANGES, 1 + (pairs - asked) // ASKED)):
                kind = doing.one()
                changes[kind] += 1
                misses = db.cache.stats().misses
                for place, question in enumerate(pool):
                    direct, cached = rows(db, question, None), rows(db, question, 600)
                    assert cached == direct, f"seed {seed}, after {kind}: {question}"
                    missed = db.cache.stats().misses - misses
                    misses += missed
                    needless += missed and direct == before[place]
                    before[place] = direct
                    asked += 1
        stats = db.cache.stats()
    assert stats.hits > asked / 4
    assert stats.uncached == {}
    record_property(
        "told",
        f"{database.server.label}: {asked} pairs, 0 stale, hits {stats.hits / asked:.0%}, "
        f"invalidated for nothing {needless / asked:.0%}",
    )
