"""What keys, NOT NULL, CHECK and computed columns refuse."""

from __future__ import annotations

from typing import Any

from tests.behaviours.steps import Body, table
from tests.preflight.case import Refusal

KEY = {"type": "integer", "primary": True}


def t(*, keyed: bool = True, keys: dict[str, Any] | None = None, **columns: Any) -> Body:
    """Table ``t``: its key ``id``, and these columns."""
    own = {"id": KEY} if keyed else {}
    return table({**own, **columns}, **(keys or {}))


def unique(*columns: Any, **more: Any) -> dict[str, Any]:
    return {"indexes": [{"columns": list(columns), "unique": True, **more}]}


PAIRS = t(a="integer", b="integer")
NAMES = t(name="string")

CONSTRAINTS = [
    Refusal(
        name="duplicates",
        before=t(a="integer"),
        after=t(a={"type": "integer", "unique": True}),
        rows=[{"id": n, "a": a} for n, a in enumerate([1, 1, 2, 3, 3, 3, None, None])],
        operation="add_index",
        finding="duplicates",
        count=2,
        samples=[{"a": 1, "rows": 2}, {"a": 3, "rows": 3}],
    ),
    Refusal(
        name="duplicates more than five",
        before=t(a="integer"),
        after=t(a={"type": "integer", "unique": True}),
        rows=[{"id": n, "a": n // 2} for n in range(14)],
        operation="add_index",
        finding="duplicates",
        count=7,
    ),
    Refusal(
        name="duplicates of several columns",
        before=PAIRS,
        after=t(a="integer", b="integer", keys=unique("a", "b")),
        rows=[
            {"id": n, "a": a, "b": b}
            for n, (a, b) in enumerate([(1, 1), (1, 1), (1, 2), (1, None), (1, None)])
        ],
        operation="add_index",
        finding="duplicates",
        count=1,
        samples=[{"a": 1, "b": 1, "rows": 2}],
    ),
    Refusal(
        name="duplicates among the rows of a predicate",
        before=PAIRS,
        after=t(a="integer", b="integer", keys=unique("a", where="b > 0")),
        rows=[
            {"id": n, "a": a, "b": b}
            for n, (a, b) in enumerate([(1, 0), (1, 0), (2, 1), (2, 1), (3, 1), (3, 0)])
        ],
        operation="add_index",
        finding="duplicates",
        count=1,
        samples=[{"a": 2, "rows": 2}],
        on=("postgresql", "sqlite"),
    ),
    Refusal(
        name="duplicates under a case folding collation",
        before=t(name={"type": "string", "length": 20, "collation": "utf8mb4_bin"}),
        after=t(
            name={"type": "string", "length": 20, "collation": "utf8mb4_bin"},
            keys=unique({"column": "name", "length": 1}),
        ),
        rows=[{"id": 1, "name": "ab"}, {"id": 2, "name": "ac"}, {"id": 3, "name": "Ab"}],
        operation="add_index",
        finding="duplicates",
        count=1,
        samples=[{"name": "a", "rows": 2}],
        on=("mysql", "mariadb"),
    ),
    Refusal(
        name="duplicates without regard to case",
        before=t(name="string"),
        after=t(name="string", keys=unique({"column": "name", "collation": "NOCASE"})),
        rows=[{"id": 1, "name": "ab"}, {"id": 2, "name": "AB"}, {"id": 3, "name": "b"}],
        operation="add_index",
        finding="duplicates",
        count=1,
        samples=[{"name": "ab", "rows": 2}],
        on=("sqlite",),
    ),
    Refusal(
        name="duplicates of an expression",
        before=NAMES,
        after=t(name="string", keys=unique({"expression": "lower(name)"})),
        rows=[{"id": 1, "name": "ab"}, {"id": 2, "name": "AB"}, {"id": 3, "name": "b"}],
        operation="add_index",
        finding="duplicates",
        count=1,
        samples=[{"lower(name)": "ab", "rows": 2}],
        on=("postgresql", "sqlite"),
    ),
    Refusal(
        name="duplicates of a primary key",
        before=t(keyed=False, a={"type": "integer", "nullable": False}),
        after=t(keyed=False, a=KEY),
        rows=[{"a": 1}, {"a": 1}, {"a": 2}],
        operation="add_primary_key",
        finding="duplicates",
        count=1,
        samples=[{"a": 1, "rows": 2}],
    ),
    Refusal(
        name="nulls",
        before=t(a="integer"),
        after=t(a={"type": "integer", "nullable": False}),
        rows=[{"id": n, "a": a} for n, a in enumerate([1, None, 2, None])],
        operation="alter_column",
        finding="nulls",
        count=2,
        samples=[{"id": 1, "a": None}, {"id": 3, "a": None}],
    ),
    Refusal(
        name="rows for a column without a default",
        before=t(a="integer"),
        after=t(a="integer", b={"type": "integer", "nullable": False}),
        rows=[{"id": 1, "a": 1}],
        operation="add_column",
        finding="unfilled",
        count=None,
    ),
    Refusal(
        name="a check",
        before=t(a="integer"),
        after=t(
            a="integer", keys={"checks": [{"name": "small", "expression": "a < 5 or a % 2 = 0"}]}
        ),
        rows=[{"id": n, "a": a} for n, a in enumerate([1, 7, None, 8, 9])],
        operation="add_check",
        finding="check",
        count=2,
        samples=[{"id": 1}, {"id": 4}],
    ),
    Refusal(
        name="a check that fails on some row",
        before=t(a="integer"),
        after=t(a="integer", keys={"checks": [{"name": "ok", "expression": "100 / a > 1"}]}),
        rows=[{"id": 1, "a": 1}, {"id": 2, "a": 0}],
        operation="add_check",
        finding="check",
        count=None,
        on=("postgresql",),
    ),
    Refusal(
        name="a computed column that is not null",
        before=t(a="integer"),
        after=t(
            a="integer",
            b={"type": "integer", "nullable": False, "generated": {"expression": "a + 1"}},
        ),
        rows=[{"id": 1, "a": 1}, {"id": 2, "a": None}],
        operation="add_column",
        finding="computed",
        count=1,
        samples=[{"id": 2}],
        on=("postgresql", "mysql", "sqlite"),  # MariaDB has no NOT NULL for computed columns
    ),
    Refusal(
        name="orphans",
        before=t(a={"type": "integer", "nullable": False}),
        after=t(a={"type": "integer", "nullable": False, "references": "p.id"}),
        others={"p": table({"id": KEY})},
        rows=[{"id": 1, "a": 1}, {"id": 2, "a": 4}],
        operation="add_foreign_key",
        finding="orphans",
        count=2,
        samples=[{"id": 1, "a": 1}, {"id": 2, "a": 4}],
    ),
]
