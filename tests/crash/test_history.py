"""What ``history`` says of runs that never came to say how they ended."""

from __future__ import annotations

from pathlib import Path

from odac_db import Database
from tests.cases.case import Case
from tests.crash.crashes import crashes, killer
from tests.fixtures.servers import Server
from tests.laws.test_race import lines, racing

TWO_STEPS = Case(
    name="two steps",
    before={"t": {"columns": {"id": "increments"}}, "u": {"columns": {"id": "increments"}}},
    after={
        "t": {"columns": {"id": "increments", "a": "integer"}},
        "u": {"columns": {"id": "increments", "a": "integer"}},
    },
)


def test_history_tells_a_dead_run_from_a_living_one(mysql_server: Server, tmp_path: Path) -> None:
    with killer() as kills, crashes(mysql_server, TWO_STEPS, tmp_path, kills) as crash:
        database, files = crash.start.restore(), crash.ground.folder
        with Database.open(database.url) as db:
            with racing(database, files, stop_after=1) as leader:
                lines(leader, "halfway", 1)
                assert [run.status for run in db.history()] == ["applied", "running"]
                leader.kill()
                leader.wait()
            while [run.status for run in db.history()] == ["applied", "running"]:
                pass  # until the server has noticed
            assert [run.status for run in db.history()] == ["applied", "died"]
            Database.open(database.url, schema=files, migrate=True).close()
            written = [row["status"] for row in database.rows("_odac_migrations")]
            assert sorted(written) == ["applied", "applied", "died"]
