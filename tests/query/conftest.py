"""``db``: the blog of ``site`` on each server, without rows. ``site_of`` makes others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from odac_db import Database
from tests.behaviours.steps import Body
from tests.fixtures.servers import Server
from tests.query.site import TABLES, Site

SiteOf = Callable[[Server, str, Mapping[str, Body]], Site]


@pytest.fixture(scope="session")
def sites() -> Iterator[dict[tuple[str, str], Site]]:
    made: dict[tuple[str, str], Site] = {}
    yield made
    for site in made.values():
        site.close()


@pytest.fixture
def site_of(sites: dict[tuple[str, str], Site], tmp_path_factory: pytest.TempPathFactory) -> SiteOf:
    """The site of a name on a server: made once, emptied each time."""

    def made(server: Server, name: str, tables: Mapping[str, Body]) -> Site:
        found = sites.get((server.id, name))
        if found is None:
            directory = tmp_path_factory.mktemp(name)
            found = sites[server.id, name] = Site(server, directory, tables)
        found.clear()
        return found

    return made


@pytest.fixture
def db(server: Server, site_of: SiteOf) -> Database:
    return site_of(server, "blog", TABLES).db
