"""What one migrate makes possible it also does: nobody has to run it twice."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from odac_db import Database
from tests.behaviours.steps import Application, Body, done, table, waiting

ID: dict[str, Any] = {"type": "integer", "primary": True}
PARENT = {"type": "integer", "references": "parents.id", "orphans": "delete"}
PARENTS = table({"id": ID})


class Case(NamedTuple):
    """A child table as it was and shall be, its rows, and what is done after the foreign key."""

    before: Body
    after: Body
    rows: str
    last: str


CASES = {
    "duplicates that were orphans": Case(
        table({"id": ID, "parent": "integer", "code": "integer"}),
        table({"id": ID, "parent": PARENT, "code": {"type": "integer", "unique": True}}),
        "(1, 1, 7), (2, 9, 7)",
        "add_index children(code)",
    ),
    "NULLs that were orphans": Case(
        table({"id": ID, "parent": "integer", "code": "integer"}),
        table({"id": ID, "parent": PARENT, "code": {"type": "integer", "nullable": False}}),
        "(1, 1, 7), (2, 9, NULL)",
        "alter_column children.code",
    ),
    "NULLs that were orphans, in a column that also grows": Case(
        table({"id": ID, "parent": "integer", "code": {"type": "string", "length": 5}}),
        table(
            {"id": ID, "parent": PARENT}
            | {"code": {"type": "string", "length": 50, "nullable": False}}
        ),
        "(1, 1, '7'), (2, 9, NULL)",
        "alter_column children.code",
    ),
    "rows nobody could fill": Case(
        table({"id": ID, "parent": "integer"}),
        table({"id": ID, "parent": PARENT, "code": {"type": "integer", "nullable": False}}),
        "(1, 8), (2, 9)",
        "add_column children.code",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_the_cleaning_of_orphans_makes_possible_is_done(app: Application, case: Case) -> None:
    app.boot_with(parents=PARENTS, children=case.before)
    app.execute(
        "INSERT INTO parents VALUES (1)",
        f"INSERT INTO children VALUES {case.rows}",
    )
    report = app.boot_with(parents=PARENTS, children=case.after)
    assert waiting(report) == {}
    assert done(report)[-1] == case.last
    with Database.open(app.database.url) as db:
        runs = db.history()
    assert [run.done for run in runs[1:]] == [len(report.applied)]
    assert [len(run.operations) for run in runs[1:]] == [len(report.applied)]
    app.assert_settled()


def test_seeds_may_be_the_parents_that_were_missing(app: Application) -> None:
    app.boot_with(parents=PARENTS, children=table({"id": ID, "parent": "integer"}))
    app.execute("INSERT INTO children VALUES (1, 1), (2, 2)")
    report = app.boot_with(
        parents=table({"id": ID}, seed_key="id", seed=[{"id": 1}, {"id": 2}]),
        children=table({"id": ID, "parent": {**PARENT, "orphans": "fail"}}),
    )
    assert waiting(report) == {}
    assert [operation.kind for operation in report.applied] == ["add_foreign_key"]
    assert (len(report.seeds), report.orphans) == (2, {})
    app.assert_settled()


def test_what_carries_another_is_found_among_all_that_was_applied(app: Application) -> None:
    app.boot_with(parents=PARENTS, children=table({"id": ID, "parent": "integer"}))
    app.execute("INSERT INTO children VALUES (1, 8), (2, 9)")
    fixed = {"type": "integer", "nullable": False}
    report = app.boot_with(
        parents=PARENTS, children=table({"id": ID, "parent": PARENT, "a": fixed, "b": fixed})
    )
    carried = [(one, report.applied[one.carried_by]) for one in report.applied if one.carried_by]
    assert all(one.table == other.table and other.statements for one, other in carried)
    assert {one.name for one in report.applied} >= {"a", "b"}
