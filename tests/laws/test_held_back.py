"""The law of leave: without it nothing is lost, and what can be done is done at once.

Any two folders A and B of the generator, rows in A, and a migrate to B that may prune but
has leave for nothing.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import event, given

from odac_db import MigrationFailed
from tests.fixtures.servers import Server
from tests.laws import rows
from tests.laws.folder import migrated, planned, told, written
from tests.laws.kinds import kit_of
from tests.laws.repair import Folder
from tests.laws.test_fixpoint import REFUSED, law, transition
from tests.strategies import pairs


def test_without_leave_nothing_is_lost_and_nothing_is_left_for_later(
    server: Server, tmp_path: Path
) -> None:
    kit = kit_of(server)

    @law(server, 0.7)
    @given(pair=pairs(kit))
    def without_leave(pair: tuple[Folder, Folder]) -> None:
        before, after = pair
        with transition(server, tmp_path) as way:
            way.bring(before)
            rows.insert(way.database, before, kit)
            stood = rows.everything(way.database, before, kit)
            files = written(after, tmp_path / "files")
            try:
                migrated(way.database, files, allow=())
            except MigrationFailed as error:
                if not REFUSED.search(error.reason):
                    raise
                event("refused")
                return
            way.compare(before, rows.left_over(before, after), stood)
            way.compare(before, rows.survivors(before, after), stood)
            plan = planned(way.database, files, allow=())
            assert not [line for line in told(plan) if line.startswith("pending")]
            again = migrated(way.database, files, allow=())
            assert not again.applied
            event("in sync" if again.in_sync else "waiting")

    without_leave()
