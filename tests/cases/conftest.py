"""A case meets only the servers it is for."""

from __future__ import annotations

import pytest

from tests.cases.case import Case


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unsuited = [item for item in items if not _suited(item)]
    config.hook.pytest_deselected(items=unsuited)
    items[:] = [item for item in items if _suited(item)]


def _suited(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    if callspec is None or not isinstance(callspec.params.get("case"), Case):
        return True
    return bool(callspec.params["case"].suits(callspec.params["server"]))
