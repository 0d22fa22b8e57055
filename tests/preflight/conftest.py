"""Each case on the servers that it is for."""

from __future__ import annotations

import pytest

from tests.fixtures.servers import Server
from tests.preflight.case import Refusal


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=[item for item in items if not _is_meant(item)])
    items[:] = [item for item in items if _is_meant(item)]


def _is_meant(item: pytest.Item) -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    case, server = parameters.get("case"), parameters.get("server")
    if not isinstance(case, Refusal) or not isinstance(server, Server):
        return True
    return ("mariadb" if server.is_mariadb else server.family) in case.on
