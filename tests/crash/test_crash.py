"""Killed anywhere, the next migrate brings a database to the same end, and loses no row."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from odac_db.schema.changes import Change
from tests.crash.crashes import crashes, killer
from tests.crash.site import everything
from tests.fixtures.servers import Server
from tests.laws.kinds import kit_of

UNFORESEEN = frozenset({"uid", "token"})
Dose = Callable[[int, int], int]
SOMETIMES = {
    "create_enum": "postgresql",
    "add_enum_value": "postgresql",
    "replace_enum": "postgresql",
    "rename_enum": "postgresql",
    "drop_enum": "postgresql",
    "set_enum_comment": "postgresql",
    "add_exclusion": "postgresql",
    "drop_exclusion": "postgresql",
    "set_table_options": "mysql",
}
"""Kinds of operations that only one family of servers knows."""
NOT_ON_SQLITE = {"set_table_comment", "set_object_comment"}


@pytest.mark.torture
def test_killed_before_any_statement_it_converges(
    server: Server,
    tmp_path: Path,
    dose: Dose,
    record_property: Callable[[str, object], None],
) -> None:
    case = everything(kit_of(server))
    with killer() as kills, crashes(server, case, tmp_path, kills, UNFORESEEN) as crash:
        assert set(crash.kinds) == kinds_of(server)
        for at in chosen(len(crash.writes) + 1, dose(4, 10_000)):
            crash.crash(at)
        record_property("told", str(crash))
        assert crash.faults == []


def kinds_of(server: Server) -> set[str]:
    """Every kind of operation there is on this server."""
    every = {str(change.__struct_config__.tag) for change in get_args(Change)}
    absent = {kind for kind, family in SOMETIMES.items() if family != server.family}
    return every - absent - (NOT_ON_SQLITE if server.family == "sqlite" else set())


def chosen(points: int, most: int) -> range:
    """Points from 1 on, every k-th, so that they are not more; from another start each time."""
    step = -(-points // most)
    return range(random.randint(1, step), points + 1, step)
