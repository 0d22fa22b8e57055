"""A column is filled once, whoever dies on the way, boots beside it or writes meanwhile."""

from __future__ import annotations

from pathlib import Path

from tests.cases.case import Case
from tests.crash.crashes import Crashes, crashes, killer, ordered
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.servers import Server
from tests.laws.test_race import assert_one_led, lines, racing

ROWS = 12
FILL = Case(
    name="fill",
    before={"t": {"columns": {"id": {"type": "integer", "primary": True}, "a": "integer"}}},
    after={
        "t": {
            "columns": {
                "id": {"type": "integer", "primary": True},
                "a": {"type": "integer", "nullable": False, "default": 7},
            }
        }
    },
    rows={"t": [{"id": n, "a": None} for n in range(ROWS)]},
)


def test_b3_killed_while_it_fills_the_next_run_goes_on_and_keeps_what_others_wrote(
    server: Server, tmp_path: Path
) -> None:
    with killer() as kills, crashes(server, FILL, tmp_path, kills) as crash:
        database = halfway(crash)
        before = values(database)
        database.execute("UPDATE t SET a = 100 WHERE id = 0", "UPDATE t SET a = 101 WHERE id = 11")
        database.execute("INSERT INTO t (id, a) VALUES (-1, NULL), (20, NULL), (21, 5)")
        facts = ordered(kills, FILL, crash.ground, database, 0)
        assert facts["error"] == ""
        kept = {-1: 7, 0: 100, 11: 101, 20: 7, 21: 5}
        assert values(database) == dict.fromkeys(range(ROWS), 7) | kept
        if server.family != "sqlite":
            assert sorted(filter(None, before.values())) == [7] * 4  # two batches
            (note,) = database.rows("_odac_backfills")
            # Each row once: 0 had been filled before, 11 needed nothing any more.
            assert note["filled"] == ROWS - 1 + 2


def halfway(crash: Crashes) -> LiveDatabase:
    """Killed before the third batch, or before the table is rebuilt."""
    filling = "INSERT OR ABORT" if crash.ground.database.family == "sqlite" else "UPDATE"
    fills = [n for n, text in enumerate(crash.writes) if text.startswith(filling) and "7" in text]
    at = fills[min(2, len(fills) - 1)]
    database = crash.start.restore()
    facts = ordered(crash.killer, FILL, crash.ground, database, at + 1)
    assert facts["killed"]
    return database


def values(database: LiveDatabase) -> dict[int, int | None]:
    return {row["id"]: row["a"] for row in database.rows("t")}


def test_sixteen_processes_fill_once(server: Server, tmp_path: Path) -> None:
    with killer() as kills, crashes(server, FILL, tmp_path, kills) as crash:
        database = crash.start.restore()
        with racing(database, crash.ground.folder, processes=16) as race:
            assert_one_led(lines(race, "done", 16))
        assert set(values(database).values()) == {7}
        if server.family == "mysql":
            (note,) = database.rows("_odac_backfills")
            assert note["filled"] == ROWS
