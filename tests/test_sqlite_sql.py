"""Statements that mean the same to SQLite are told the same, others are not."""

from __future__ import annotations

import pytest

from tests.fixtures import sqlite_sql

SAME = [
    ('CREATE TABLE "a"(`b` int,\n [c] TEXT)', "create table a (b INT, c text)"),
    ("CREATE TABLE a (b int) -- first", "CREATE TABLE IF NOT EXISTS a (b int NULL)"),
    ("CREATE INDEX i ON a (b>=1)", "CREATE INDEX i ON a (b >= 1)"),
    (
        "CREATE TABLE a (b INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, c UNIQUE)",
        "CREATE TABLE a (b INTEGER NOT NULL, c, UNIQUE (c), PRIMARY KEY (b AUTOINCREMENT))",
    ),
    (
        "CREATE TABLE a (b int CONSTRAINT k REFERENCES x (y) ON DELETE SET NULL DEFAULT 1)",
        "CREATE TABLE a (b int DEFAULT (1), CONSTRAINT k FOREIGN KEY (b) REFERENCES x (y)"
        " ON DELETE SET NULL ON UPDATE NO ACTION NOT DEFERRABLE)",
    ),
    (
        "CREATE TABLE a (b int REFERENCES x DEFERRABLE INITIALLY DEFERRED CHECK (b > (0)))",
        "CREATE TABLE a (b int, CHECK (b > (0)),"
        " FOREIGN KEY (b) REFERENCES x DEFERRABLE INITIALLY DEFERRED)",
    ),
    (
        "CREATE TABLE a (b AS (1 + 1), c text COLLATE nocase NOT NULL) STRICT",
        "CREATE TABLE a (b GENERATED ALWAYS AS (1+1) VIRTUAL, c text NOT NULL COLLATE nocase)"
        " STRICT",
    ),
]

DIFFERENT = [
    ("CREATE TABLE a (b DEFAULT 'x  Y')", "CREATE TABLE a (b DEFAULT 'X Y')"),
    ('CREATE TABLE "a b" (c)', "CREATE TABLE ab (c)"),
    ("CREATE TABLE a (b, c)", "CREATE TABLE a (c, b)"),
    ("CREATE TABLE a (b UNIQUE)", "CREATE TABLE a (b)"),
    ("CREATE TABLE a (b NOT NULL)", "CREATE TABLE a (b NULL)"),
    ("CREATE TABLE a (b INTEGER PRIMARY KEY)", "CREATE TABLE a (b INT PRIMARY KEY)"),
    ("CREATE TABLE a (b PRIMARY KEY) STRICT", "CREATE TABLE a (b PRIMARY KEY) WITHOUT ROWID"),
    (
        "CREATE TABLE a (b REFERENCES x ON DELETE CASCADE)",
        "CREATE TABLE a (b REFERENCES x ON UPDATE CASCADE)",
    ),
    ("CREATE TABLE a (b, CONSTRAINT c UNIQUE (b))", "CREATE TABLE a (b, UNIQUE (b))"),
    ("CREATE TABLE a (b AS (1) STORED)", "CREATE TABLE a (b AS (1))"),
    ('CREATE TABLE a ("unique")', "CREATE TABLE a (unique)"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same(one: str, other: str) -> None:
    assert sqlite_sql.normalized(one) == sqlite_sql.normalized(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_not_the_same(one: str, other: str) -> None:
    assert sqlite_sql.normalized(one) != sqlite_sql.normalized(other)
