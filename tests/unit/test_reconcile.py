"""Texts that differ and mean the same: the ledger's word, the server's word, nobody's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from odac_db.migrate.diff import diff
from odac_db.migrate.reconcile import learnt, reconciled
from odac_db.schema.model import Check, Index, IndexPart, Schema, Table

from .models import PLAIN, column, schema, table


def declared(expression: str, default: str = "'x'", where: str = "n>0") -> Schema:
    return schema(
        table(
            "a",
            column("n", "int", default=default),
            indexes=(Index(name="i", named=False, parts=(IndexPart(column="n"),), where=where),),
            checks=(Check(name="c", named=False, expression=expression),),
        )
    )


LIVE = schema(
    table(
        "a",
        column("n", "integer", default="'x'::text"),
        indexes=(Index(name="i", parts=(IndexPart(column="n"),), where="(n > 0)"),),
        checks=(Check(name="by_hand", expression="(n > 0)"),),
    )
)


class Server:
    """A scratch place that stores ``n>0`` as ``(n > 0)``, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, tables: Sequence[Table]) -> Mapping[str, Table]:
        self.asked.append([each.name for each in tables])
        return {each.name: self._stored(each) for each in tables}

    def _stored(self, each: Table) -> Table:
        replace = msgspec.structs.replace
        (first,) = each.columns
        (index,) = each.indexes
        (check,) = each.checks
        spelt = {"n>0": "(n > 0)", "n>1": "(n > 1)"}
        return replace(
            each,
            columns=(replace(first, type="integer", default="'x'::text"),),
            indexes=(replace(index, where=spelt[index.where or ""]),),
            checks=(replace(check, expression=spelt[check.expression]),),
        )


def test_the_server_settles_what_texts_mean_and_the_ledger_remembers_it() -> None:
    server, desired = Server(), declared("n>0")
    settled = reconciled(LIVE, desired, (), PLAIN, server)
    assert diff(LIVE, settled, PLAIN) == []
    assert server.asked == [["a"]]

    known = tuple(learnt(desired, settled, LIVE, PLAIN))
    assert {one.group for one in known} == {"columns", "indexes", "checks"}
    settled = reconciled(LIVE, desired, known, PLAIN, server)
    assert diff(LIVE, settled, PLAIN) == []
    assert server.asked == [["a"]], "what the ledger knows is not asked again"
    assert tuple(learnt(desired, settled, LIVE, PLAIN)) == known


def test_a_change_of_meaning_is_a_change_though_the_ledger_knows_the_old_one() -> None:
    server = Server()
    known = tuple(
        learnt(declared("n>0"), reconciled(LIVE, declared("n>0"), (), PLAIN, server), LIVE, PLAIN)
    )
    desired = declared("n>1")
    settled = reconciled(LIVE, desired, known, PLAIN, server)
    assert [type(c).__name__ for c in diff(LIVE, settled, PLAIN)] == ["DropCheck", "AddCheck"]


def test_a_change_behind_our_back_is_seen_though_the_declaration_is_the_old_one() -> None:
    server, desired = Server(), declared("n>0")
    known = tuple(learnt(desired, reconciled(LIVE, desired, (), PLAIN, server), LIVE, PLAIN))
    drifted = schema(
        msgspec.structs.replace(
            LIVE.tables["a"], checks=(Check(name="by_hand", expression="(n > 99)"),)
        )
    )
    settled = reconciled(drifted, desired, known, PLAIN, server)
    assert [type(c).__name__ for c in diff(drifted, settled, PLAIN)] == ["DropCheck", "AddCheck"]


def test_nobody_is_asked_when_nothing_differs() -> None:
    server = Server()
    assert reconciled(LIVE, LIVE, (), PLAIN, server) == LIVE
    assert server.asked == []


def test_a_table_that_the_server_refuses_is_compared_as_declared() -> None:
    settled = reconciled(LIVE, declared("n>0"), (), PLAIN, lambda _: {})
    assert len(diff(LIVE, settled, PLAIN)) > 0
