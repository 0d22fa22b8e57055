"""``db``: the blog of ``site`` on each server, without rows. ``site_of`` makes others.

In the modules of ``BOTH`` it is a ``Database`` and, in another run of each test, an
``AsyncDatabase`` without its ``await``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

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


BOTH = ("test_conditions", "test_joins", "test_reading", "test_writing")
OF_DRIVERS = ("test_rows_of_an_iteration_are_made_as_they_are_asked_for",)
"""What these look at is a driver's own."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "face" in metafunc.fixturenames:
        both = metafunc.module.__name__.rpartition(".")[2] in BOTH
        both = both and metafunc.function.__name__ not in OF_DRIVERS
        metafunc.parametrize("face", ["sync", "async"] if both else ["sync"])


@pytest.fixture
def db(server: Server, site_of: SiteOf, face: str) -> Any:
    site = site_of(server, "blog", TABLES)
    return site.db if face == "sync" else site.awaited()
