"""How plans and reports read."""

from __future__ import annotations

import io
import re
import typing
from typing import Any

import msgspec
import pytest

from odac_db.cli.labels import LABELS
from odac_db.cli.output import Output, by_connection
from odac_db.cli.plan_sql import plan_sql
from odac_db.migrate.describe import summary_of
from odac_db.schema import changes as c
from odac_db.schema.model import Check, Column, ForeignKey, Table, Unsupported
from odac_db.schema.plan import Hazard, Plan, Report, SeedResult, Statement
from tests.unit.fake_database import operation

WIDER = operation(
    c.AlterColumn(
        table="posts",
        before=Column(name="title", type="varchar(10)"),
        after=Column(name="title", type="varchar(40)"),
    ),
    name="title",
    summary="posts.title varchar(10) → varchar(40)",
    statements=(Statement('ALTER TABLE "posts" ALTER "title" TYPE varchar(40)'),),
    hazards=(Hazard("table_rewrite", "the table is locked while it is written anew"),),
)
DROP = operation(
    c.DropColumn(table="posts", column=Column(name="slug", type="text")),
    name="slug",
    summary="posts.slug text",
    statements=(Statement('ALTER TABLE "posts" DROP COLUMN "slug"'),),
    destructive=True,
    status="held_back",
    reason="would lose data\nallow it with --allow drop_column:posts.slug",
    rows=1204,
)
BLOCKED = operation(
    c.RenameTable(before="b", after="a"),
    name="a",
    summary="b → a",
    status="blocked",
    reason="a exists",
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal of some encoding."""

    def __init__(self, encoding: str = "utf-8", tty: bool = True) -> None:
        super().__init__()
        self._encoding = encoding
        self._tty = tty

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._tty


def shown(plan: Plan | Report, stream: io.StringIO | None = None) -> str:
    stream = stream or Terminal(tty=False)
    output = Output(stream)
    if isinstance(plan, Plan):
        output.plan(plan)
    else:
        output.report(plan)
    return stream.getvalue()


def test_every_kind_of_change_has_a_label() -> None:
    kinds = {each.__struct_config__.tag for each in typing.get_args(c.Change)}
    assert set(LABELS) == kinds


def test_labels_say_what_would_be_done_and_have_a_colour() -> None:
    for label in LABELS.values():
        assert label.style
        assert label.doing


def test_a_plan_is_a_tree_of_tables_with_a_last_line_that_sums_up() -> None:
    assert shown(Plan(operations=(WIDER, DROP, BLOCKED))) == (
        "posts\n"
        "├── ~ alter column title varchar(10) → varchar(40)\n"
        "│   └── table_rewrite: the table is locked while it is written anew\n"
        "└── ⏸ drop column slug text  (1,204 rows)\n"
        "    ├── would lose data\n"
        "    └── allow it with --allow drop_column:posts.slug\n"
        "a\n"
        "└── ✗ rename table b → a\n"
        "    └── a exists\n"
        "Would apply 1 operation; 1 held back; 1 blocked.\n"
    )


def test_one_reason_for_two_operations_is_told_once() -> None:
    twin = msgspec.structs.replace(DROP, name="slug2", summary="posts.slug2 text")
    assert shown(Plan(operations=(DROP, twin))).count("would lose data") == 1
    assert "as above" in shown(Plan(operations=(DROP, twin)))


def test_a_check_without_a_name_is_told_once() -> None:
    check = c.AddCheck(table="t", check=Check(name=None, expression="a > 0"))
    assert summary_of(check) == "t a > 0"
    named = c.DropCheck(table="t", check=Check(name="positive", expression="a > 0"))
    assert summary_of(named) == "t positive: a > 0"


def test_a_new_table_shows_its_columns() -> None:
    table = Table(
        name="t",
        columns=(Column(name="id", type="bigint", nullable=False), Column(name="x", type="text")),
    )
    create = operation(c.CreateTable(table=table), name="t", summary="t (2 columns)")
    text = shown(Plan(operations=(create,)))
    assert "└── + create table (2 columns)\n    └── id bigint not null, x text\n" in text


def test_in_sync_is_said_and_what_is_left_alone_is_listed() -> None:
    plan = Plan(
        unsupported=(
            Unsupported(kind="view", name="v1"),
            Unsupported(kind="view", name="v2", detail="reads t"),
            Unsupported(kind="trigger", table="t", name="x"),
        ),
        undeclared=("old", "older"),
    )
    assert shown(plan) == (
        "unsupported, left alone: 2 views, 1 trigger\n"
        "├── view v1\n"
        "├── view v2: reads t\n"
        "└── trigger t.x\n"
        "no file declares 2 tables, left alone: old, older\n"
        "In sync. Nothing to do.\n"
    )


OLD = c.DropTable(table=Table(name="old", columns=()))


@pytest.mark.parametrize("status", ["pending", "held_back"])
def test_a_table_that_is_to_be_dropped_is_not_left_alone(status: Any) -> None:
    drop = operation(OLD, name="old", summary="old", status=status)
    for one in (
        Plan(operations=(drop,), undeclared=("old", "older")),
        Report(remaining=(drop,), undeclared=("old", "older")),
    ):
        assert "no file declares 1 table, left alone: older\n" in shown(one)
    assert "left alone" not in shown(Plan(operations=(drop,), undeclared=("old",)))


KEY = ForeignKey(name="f", columns=("a",), ref_table="p", ref_columns=("id",))
REBUILD = Hazard("table_rebuild", "posts is copied")
TOGETHER = (
    operation(
        c.AddForeignKey(table="posts", foreign_key=KEY),
        name="f",
        summary="posts (a) → p (id)",
        statements=(Statement("CREATE TABLE ..."),),
        hazards=(REBUILD,),
    ),
    operation(
        c.AddForeignKey(table="posts", foreign_key=msgspec.structs.replace(KEY, name="g")),
        name="g",
        summary="posts (b) → p (id)",
        carried_by=0,
        hazards=(REBUILD,),
    ),
    operation(
        c.CleanOrphans(table="posts", foreign_key=KEY, policy="nullify"),
        name="f",
        summary="posts (a) → p (id): nullify",
        rows=2,
    ),
)


def test_cleanings_are_told_before_their_keys_and_a_shared_cost_once() -> None:
    assert shown(Plan(operations=TOGETHER)) == (
        "posts\n"
        "├── ~ clean orphans (a) → p (id): nullify  (2 rows)\n"
        "├── + add foreign key (a) → p (id)\n"
        "│   └── table_rebuild: posts is copied\n"
        "└── + add foreign key (b) → p (id)\n"
        "Would apply 3 operations.\n"
    )


def test_sql_says_where_an_operation_without_statements_is_done() -> None:
    assert plan_sql(Plan(operations=TOGETHER)).splitlines() == [
        "-- add foreign key posts (a) → p (id)",
        "CREATE TABLE ...;",
        "",
        "-- add foreign key posts (b) → p (id)",
        "-- by the statement of: add foreign key posts (a) → p (id)",
        "",
        "-- clean orphans posts (a) → p (id): nullify",
        "-- in batches: each row is copied to _odac_orphans, then cleaned",
    ]


def test_a_report_shows_what_was_done_what_remains_orphans_and_seeds() -> None:
    report = Report(
        applied=(msgspec.structs.replace(WIDER, status="applied"),),
        remaining=(DROP,),
        seeds=(
            SeedResult(kind="seed_insert", table="t", key="a"),
            SeedResult(kind="seed_update", table="t", key="b"),
        ),
        orphans={"orders": 3, "items": 2},
        run="r1",
        seconds=0.25,
    )
    text = shown(report)
    assert "✓ alter column title varchar(10) → varchar(40)\n" in text
    assert "table_rewrite" not in text
    assert "⏸ drop column slug" in text
    assert "✓ 5 orphans cleaned and kept (3 of orders, 2 of items)\n" in text
    assert "odac-db orphans restore r1" in text
    assert "seeds: 1 inserted, 1 updated" in text
    assert text.endswith("Applied 1 operation in 0.25 s; 1 held back.\n")


def test_a_report_with_nothing_to_do() -> None:
    assert shown(Report()) == "Nothing to apply. In sync.\n"


def test_a_stream_that_cannot_show_our_glyphs_gets_ascii() -> None:
    text = shown(Plan(operations=(WIDER, DROP)), Terminal("ascii", tty=False))
    assert text.isascii()
    assert "varchar(10) -> varchar(40)" in text


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[33m~ " in shown(Plan(operations=(WIDER,)), Terminal())
    assert "\x1b[" not in shown(Plan(operations=(WIDER,)))


def test_no_color_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[33m" not in shown(Plan(operations=(WIDER,)), Terminal())


def test_a_narrow_terminal_wraps_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "24")
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(Plan(operations=(WIDER, DROP)), Terminal()))
    assert max(len(line) for line in text.splitlines()[:-1]) <= 24
    squeezed = "".join(ch for ch in text if ch.isalnum())
    assert "alterc" in squeezed
    assert "tableislocked" in squeezed


def test_what_is_not_a_terminal_is_never_wrapped() -> None:
    long = msgspec.structs.replace(DROP, reason="word " * 500)
    assert len(shown(Plan(operations=(long,))).splitlines()) == 4


def test_a_name_cannot_steer_the_terminal() -> None:
    evil = operation(c.RenameTable(before="b", after="\x1b[2Ja"), summary="[red]x[/red] :smile:")
    text = shown(Plan(operations=(evil,)))
    assert "\x1b" not in text
    assert "\\x1b[2Ja" in text
    assert "[red]x[/red] :smile:" in text


def test_sql_is_ready_to_read_and_what_would_not_run_is_a_comment() -> None:
    assert plan_sql(Plan(operations=(WIDER, DROP))) == (
        "-- alter column posts.title varchar(10) → varchar(40)\n"
        'ALTER TABLE "posts" ALTER "title" TYPE varchar(40);\n'
        "\n"
        "-- drop column posts.slug text\n"
        "-- held back: would lose data\n"
        "-- allow it with --allow drop_column:posts.slug\n"
        '-- ALTER TABLE "posts" DROP COLUMN "slug";'
    )


def test_json_of_one_connection_is_bare_and_of_several_is_by_name() -> None:
    assert by_connection({"default": {"x": 1}}, {"default": True}) == {"x": 1}
    several = by_connection({"default": {}, "logs": {}}, {"default": True, "logs": False})
    assert several == {"in_sync": False, "connections": {"default": {}, "logs": {}}}
