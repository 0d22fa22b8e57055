"""What the grammars of the other servers have, and what no grammar has."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import msgspec
import pytest

from odac_db.cache.moments import moment_among
from odac_db.cache.parsed import Parsed, parsed
from odac_db.cache.touched import reads
from odac_db.dialects.mysql.reach import GRAMMAR as MYSQL
from odac_db.dialects.postgresql.reach import GRAMMAR as POSTGRES
from odac_db.dialects.sqlite.reach import GRAMMAR as SQLITE
from tests.cache.test_touched import REACH, READS, WRITES

GRAMMARS = {one.name: one for one in (POSTGRES, MYSQL, SQLITE)}
OTHERS = {
    ("mysql", "REPLACE INTO t (a) VALUES (%s)"): {"insert", "update", "delete"},
    ("mysql", "INSERT INTO t (a) VALUES (%s) ON DUPLICATE KEY UPDATE a = values(a)"): {
        "insert",
        "update",
        "delete",
    },
    ("mysql", "INSERT IGNORE INTO t (a) VALUES (%s)"): {"insert"},
    ("mysql", "UPDATE t, u SET u.a = 1 WHERE t.id = u.id"): {"update"},
    ("mysql", "UPDATE u JOIN t ON t.id = u.id SET t.a = 1"): {"update"},
    ("mysql", "DELETE x FROM t AS x JOIN u ON u.id = x.id"): {"delete"},
    ("mysql", "DELETE FROM t, u USING t JOIN u ON u.id = t.id"): {"delete"},
    ("sqlite", "INSERT OR REPLACE INTO t VALUES (?)"): {"insert", "update", "delete"},
    ("sqlite", "INSERT INTO t VALUES (?) ON CONFLICT DO NOTHING"): {"insert", "update", "delete"},
}


@pytest.mark.parametrize(("grammar", "sql"), OTHERS)
def test_the_words_of_other_servers(grammar: str, sql: str) -> None:
    found = {
        operation for one, operation in parsed(sql, GRAMMARS[grammar]).writes if one.name == "t"
    }
    assert found == OTHERS[grammar, sql]


ELSEWHERE = {
    ("sqlite", "SELECT id FROM posts WHERE id IN users"): "posts users",
    ("sqlite", "SELECT id FROM posts WHERE id NOT IN main.users"): "posts users",
    ("sqlite", "SELECT id FROM posts WHERE (id, n) IN live"): "live posts users",
    ("sqlite", "WITH a AS (SELECT id FROM users) SELECT id FROM posts WHERE id IN a"): (
        "posts users"
    ),
    ("sqlite", "SELECT id%(SELECT max(id) FROM users)s FROM posts"): "posts users",
    ("sqlite", "SELECT id FROM posts WHERE n LIKE '%s%%'"): "posts",
    ("mysql", "SELECT id%(SELECT max(id) FROM users)s FROM posts WHERE n = %s"): "posts users",
    ("mysql", "SELECT user, `utc_date` FROM posts"): "posts",
}
ELSEWHERE_REFUSED = {
    ("sqlite", "SELECT id FROM posts WHERE id IN unheard_of"): "unheard_of",
    ("mysql", "SELECT id FROM posts WHERE at < utc_timestamp"): "utc_timestamp",
    ("mysql", "SELECT UTC_DATE FROM posts"): "UTC_DATE",
    ("mysql", "SELECT utc_time"): "utc_time",
    ("mysql", "SELECT date_add ( d c interval 1 day ) FROM posts"): "the parser",
}


@pytest.mark.parametrize(("grammar", "sql"), ELSEWHERE)
def test_what_a_read_of_other_servers_depends_on(grammar: str, sql: str) -> None:
    reach = msgspec.structs.replace(
        REACH, grammar=GRAMMARS[grammar], namespaces=frozenset({"main"})
    )
    found = reads(sql, reach)
    assert (found.refused, found.tables[1:]) == ("", tuple(ELSEWHERE[grammar, sql].split()))


@pytest.mark.parametrize(("grammar", "sql"), ELSEWHERE_REFUSED)
def test_what_other_servers_have_that_is_not_cached(grammar: str, sql: str) -> None:
    refused = reads(sql, msgspec.structs.replace(REACH, grammar=GRAMMARS[grammar])).refused
    assert ELSEWHERE_REFUSED[grammar, sql] in refused


@pytest.mark.torture
@pytest.mark.parametrize("grammar", ["postgres", "mysql", "sqlite"])
def test_no_text_makes_the_parser_fail(grammar: str, dose: Callable[[int, int], int]) -> None:
    """Statements with words taken out, doubled and exchanged."""
    chance = random.Random(7)
    texts = [re.findall(r"\w+|'[^']*'|\S", sql) for sql in [*READS, *WRITES, *SPOILT]]
    words = [word for text in texts for word in text]
    for _ in range(dose(300, 20_000)):
        text = list(chance.choice(texts)) or ["x"]
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(text))
            text[place : place + chance.randint(0, 1)] = chance.choices(
                words, k=chance.randint(0, 2)
            )
            text = text or ["x"]
        assert isinstance(parsed(" ".join(text), GRAMMARS[grammar]), Parsed)


SPOILT = ["SELECT JSON_VALUE(x, '$.a'), date_add(d, interval 1 day), group_concat(a separator ',')"]


def test_what_may_be_a_moment_among_parameters() -> None:
    for text in ("now", " TODAY ", "today 12:00", "[today,tomorrow)", "now()", "tomorrow PST8PDT"):
        assert moment_among((1, text))
        assert moment_among(([b"x", [text]],))
        assert moment_among(({"at": text},))
    for other in ("", "nowhere", "what has everybody now", "known", b"now", 7, None, "yesterdays"):
        assert not moment_among((other, [other]))
