"""Files of SQL, parted where the server would part them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from odac_db.dialects.mysql.script import script as mysql
from odac_db.dialects.postgresql.script import script as postgresql
from odac_db.dialects.script import Script, ScriptFault
from odac_db.dialects.sqlite.script import script as sqlite

Reader = Callable[[str], Script]
EVERY = pytest.mark.parametrize("script", [postgresql, mysql, sqlite])


@EVERY
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \n-- nothing\n/* at; all */\n;;", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;\n", ["SELECT 1", "SELECT 2"]),
        ("SELECT 'a;b'; SELECT 'it''s;'", ["SELECT 'a;b'", "SELECT 'it''s;'"]),
        ("-- a; b\nSELECT 1 -- c; d\n;", ["-- a; b\nSELECT 1 -- c; d"]),
        ("SELECT /* ; ' */ 1; SELECT 2", ["SELECT /* ; ' */ 1", "SELECT 2"]),
        ("SELECT 100%3, ':x', '?'", ["SELECT 100%3, ':x', '?'"]),
        ("SAVEPOINT a; ROLLBACK TO a", ["SAVEPOINT a", "ROLLBACK TO a"]),
        ("SELECT CASE WHEN 1 THEN 2 END; SELECT 3", ["SELECT CASE WHEN 1 THEN 2 END", "SELECT 3"]),
    ],
)
def test_what_is_the_same_everywhere(script: Reader, text: str, expected: list[str]) -> None:
    assert script(text) == Script(tuple(expected), None)


@EVERY
def test_what_stands_behind_down(script: Reader) -> None:
    text = "UPDATE t SET a = '\n-- down\n';\n--  Down \nDELETE FROM t; DELETE FROM u"
    found = script(text)
    assert found.up == ("UPDATE t SET a = '\n-- down\n'",)
    assert found.down == ("DELETE FROM t", "DELETE FROM u")
    assert script("SELECT 1;\n-- down\n").down == ()


@EVERY
@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("SELECT 1;\n\nBEGIN;", 3, "BEGIN"),
        ("COMMIT", 1, "COMMIT"),
        ("start transaction;", 1, "START"),
        ("SELECT 1; ROLLBACK", 1, "ROLLBACK"),
        ("SELECT 1;\nDELIMITER //\n", 2, "DELIMITER"),
        ("SELECT 1;\nSELECT 'open", 2, "not closed"),
        ("/* open", 1, "not closed"),
    ],
)
def test_what_is_refused_with_its_line(script: Reader, text: str, line: int, word: str) -> None:
    with pytest.raises(ScriptFault, match=word) as raised:
        script(text)
    assert raised.value.line == line


def test_postgresql_dollar_quotes_escapes_and_nested_comments() -> None:
    function = "CREATE FUNCTION f() RETURNS int AS $body$ BEGIN; RETURN $1; END $body$ LANGUAGE x"
    assert postgresql(f"{function}; SELECT 1").up == (function, "SELECT 1")
    assert postgresql("SELECT $$;'$$; SELECT $a$ $$; $a$").up == (
        "SELECT $$;'$$",
        "SELECT $a$ $$; $a$",
    )
    assert postgresql(r"SELECT E'\';'; SELECT '\'").up == (r"SELECT E'\';'", r"SELECT '\'")
    assert postgresql("SELECT 1 /* a /* ; */ ; */; SELECT $1").up[1] == "SELECT $1"
    assert postgresql('SELECT "a;""b"; SELECT a$b$c; SELECT 2').up[1:] == (
        "SELECT a$b$c",
        "SELECT 2",
    )
    with pytest.raises(ScriptFault, match="client program"):
        postgresql("\\copy t from 'x'")


def test_postgresql_bodies_in_sql() -> None:
    body = (
        "CREATE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT CASE a WHEN 1 THEN 2 END;"
        " SELECT 3; END"
    )
    assert postgresql(f"{body}; SELECT 1").up == (body, "SELECT 1")


def test_mysql_backslashes_hashes_and_dashes() -> None:
    assert mysql(r"SELECT 'it\';s', ';'; SELECT 2").up == (r"SELECT 'it\';s', ';'", "SELECT 2")
    assert mysql('SELECT ";"; # a; b\nSELECT 2').up == ('SELECT ";"', "# a; b\nSELECT 2")
    assert mysql("SELECT 1--1; SELECT 2").up == ("SELECT 1--1", "SELECT 2")
    assert mysql("SELECT `a;b`; /*!80000 SELECT 2 */").up == (
        "SELECT `a;b`",
        "/*!80000 SELECT 2 */",
    )
    with pytest.raises(ScriptFault, match=r"\.py file"):
        mysql("CREATE DEFINER=`a`@`b` PROCEDURE p() BEGIN SELECT 1; END")


def test_sqlite_triggers_and_brackets() -> None:
    trigger = "CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET a = 1; DELETE FROM u; END"
    assert sqlite(f"{trigger};\nSELECT [a;b]; SELECT t.a").up == (
        trigger,
        "SELECT [a;b]",
        "SELECT t.a",
    )
