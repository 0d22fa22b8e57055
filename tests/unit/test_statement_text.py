"""Statements of others are shown without any value."""

from __future__ import annotations

import pytest

from odac_db.dialects.statement_text import shape_of


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        ("SELECT * FROM t WHERE a = 'x' AND b = 12.5e3", "SELECT * FROM t WHERE a = ? AND b = ?"),
        ("UPDATE t SET s = 'it''s' WHERE id=-7", "UPDATE t SET s = ? WHERE id=?"),
        (r"SELECT E'a\'b', $$x 'y'$$, $tag$z$tag$, b2 FROM t1", "SELECT ?, ?, ?, b2 FROM t1"),
        ("SELECT 1 -- password: x\nFROM t /* token 'y' */", "SELECT ? ? FROM t ?"),
        ("INSERT INTO t VALUES ('cut off by the serv", "INSERT INTO t VALUES (?"),
        ("INSERT INTO t VALUES ($body$cut off", "INSERT INTO t VALUES (?"),
        ('SELECT "Name" FROM "t"', 'SELECT "Name" FROM "t"'),
        ("SELECT x'ff', N'y', 0xff", "SELECT ?, ?, ?"),
    ],
)
def test_values_are_masked(sql: str, shape: str) -> None:
    assert shape_of(sql) == shape


def test_double_quotes_hold_text_on_mysql() -> None:
    sql = 'SELECT * FROM `t` WHERE a = "x"'
    assert shape_of(sql, double_quotes_are_text=True) == "SELECT * FROM `t` WHERE a = ?"


def test_long_statements_are_cut() -> None:
    assert len(shape_of("SELECT " + "a, " * 500)) == 160
