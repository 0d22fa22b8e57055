"""Every case on every server it is for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from odac_db import OdacDbError
from tests.cases.case import Case, cases
from tests.cases.ground import Ground, travel
from tests.fixtures import databases
from tests.fixtures.servers import Server

CASES = list(cases(Path(__file__).parent))


@pytest.fixture(scope="module")
def grounds() -> Iterator[dict[str, tuple[Ground, Ground]]]:
    made: dict[str, tuple[Ground, Ground]] = {}
    yield made
    for pair in made.values():
        for ground in pair:
            databases.drop(ground.database)


@pytest.fixture
def pair(
    server: Server,
    grounds: dict[str, tuple[Ground, Ground]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Ground, Ground]:
    if server.id not in grounds:
        places = [tmp_path_factory.mktemp("ground") for _ in range(2)]
        grounds[server.id] = Ground(server, places[0]), Ground(server, places[1])
    for ground in grounds[server.id]:
        ground.clear()
    return grounds[server.id]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, pair: tuple[Ground, Ground]) -> None:
    if not case.refused:
        travel(case, *pair)
        return
    ground = pair[0]
    ground.declare(case.before)
    ground.migrate(case)
    ground.insert(case.rows)
    ground.run(*case.sql)
    before = ground.database.dump()
    ground.declare(case.after)
    with pytest.raises(OdacDbError, match=case.refused):
        ground.migrate(case)
    assert ground.database.dump() == before
    ground.holds(case.rows)
