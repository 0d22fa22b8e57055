"""``db``: the blog of ``site`` on each server, without rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odac_db import Database
from tests.fixtures.servers import Server
from tests.query.site import Site


@pytest.fixture(scope="session")
def sites() -> Iterator[dict[str, Site]]:
    made: dict[str, Site] = {}
    yield made
    for site in made.values():
        site.close()


@pytest.fixture
def site(server: Server, sites: dict[str, Site], tmp_path_factory: pytest.TempPathFactory) -> Site:
    if server.id not in sites:
        sites[server.id] = Site(server, tmp_path_factory.mktemp("query"))
    sites[server.id].clear()
    return sites[server.id]


@pytest.fixture
def db(site: Site) -> Database:
    return site.db
