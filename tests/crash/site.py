"""One case with every kind of operation that a server knows, and rows that all of them touch."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Rows
from tests.laws.kinds import Kit

Body = dict[str, Any]

UUIDS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(5)]


def everything(kit: Kit) -> Case:
    """What is renamed keeps its rows, orphans of every kind are cleaned in several batches."""
    before = {
        "people": _people(kit),
        "posts": _posts(kit),
        "replies": _replies(),
        "tags": _tags(),
        "links": _links(),
        "numbers": _numbers(kit),
        "parents": {"columns": {"id": "increments", "name": "string"}},
        "children": _children(),
    }
    after = {
        "people": _people_after(kit),
        "articles": _articles(kit),
        "replies": _replies_after(),
        "tags": _tags_after(),
        "links": _links_after(),
        "numbers": _numbers_after(kit),
        "countries": _countries(),
    }
    if kit.postgresql:
        before["events"], after["events"] = _events(), _events_after()
        before["_types"], after["_types"] = _types(), _types_after()
    return Case(
        name="everything", before=before, after=after, rows=_rows(kit), prune=True, fresh=False
    )


def _people(kit: Kit) -> Body:
    return {
        "comment": "People",
        "columns": {
            "id": "increments",
            "name": {"type": "string", "length": 80, "nullable": False},
            "nick": {"type": "string", "length": 20},
            "mood": {"type": "enum", "values": ["sad", "glad", "odd"], "default": "sad"},
            "size": {"type": "enum", "values": ["s", "m"], "default": "m"},
            "age": "integer",
            "town": {"type": "string", "length": 40},
        },
        "indexes": [{"columns": ["name"], "name": "one"}, {"columns": ["nick"], "name": "two"}],
        "checks": [{"name": "of age", "expression": "age >= 0"}],
        "options": _options(kit, "dynamic"),
    }


def _people_after(kit: Kit) -> Body:
    people = _people(kit)
    columns: Body = people["columns"]
    del columns["town"]
    columns["mood"] = {"type": "enum", "values": ["glad", "sad"], "default": "glad"}
    columns["size"] = {"type": "enum", "values": ["s", "m", "l"], "default": "l"}
    columns["name"] = {"type": "string", "length": 300, "nullable": False, "comment": "in full"}
    columns["nick"] = {"type": "string", "length": 20, "nullable": False, "default": "none"}
    columns["uid"] = {"type": "uuid", "nullable": False, "default": _random(kit)}
    columns["token"] = {"type": "uuid", "default": _random(kit)}
    return people | {
        "comment": "People, 50% of them",
        "indexes": [
            {"columns": ["name"], "name": "two"},
            {"columns": ["nick"], "name": "one", "comment": "of nicks"},
            {"columns": ["nick", "age"], "unique": True},
        ],
        "checks": [{"name": "of age", "expression": "age >= 1"}],
        "options": _options(kit, "compressed"),
    }


def _random(kit: Kit) -> Any:
    if kit.sqlite:
        return UUIDS[0]
    return {"expression": "gen_random_uuid()" if kit.postgresql else "uuid()"}


def _options(kit: Kit, row_format: str) -> Body:
    return {"row_format": row_format} if kit.mysql_family else {}


def _posts(kit: Kit) -> Body:
    posts: Body = {
        "columns": {
            "id": {"type": "integer", "primary": True},
            "author_id": "integer",
            "title": {"type": "string", "length": 100, "nullable": False},
            "key": {"type": "uuid"},
            "price": {"type": "decimal", "precision": 6, "scale": 2, "default": 1},
            "rank": {"type": "integer", "nullable": False},
            "draft": {"type": "boolean", "nullable": False, "default": False},
        },
        "indexes": [{"columns": ["rank"]}, {"columns": ["author_id", "rank"]}],
    }
    if kit.name == "mariadb":
        posts["columns"]["address"] = {"type": "inet4"}
    return posts


def _articles(kit: Kit) -> Body:
    articles = _posts(kit)
    columns: Body = articles["columns"]
    del columns["title"], columns["draft"]
    columns["headline"] = {"type": "text", "nullable": False, "renamed_from": "title"}
    columns["author_id"] = {
        "type": "integer",
        "references": "people.id",
        "orphans": "nullify",
    }
    columns["price"] = {"type": "decimal", "precision": 10, "scale": 3, "default": 2}
    columns["rank"] = {"type": "big_integer", "nullable": True, "unique": True}
    columns["kind"] = {"type": "string", "length": 10, "nullable": False, "default": "it's"}
    if kit.name == "mariadb":
        columns["address"] = {"type": "big_integer"}
    return articles | {"renamed_from": "posts", "indexes": [{"columns": ["author_id", "kind"]}]}


def _replies() -> Body:
    columns: Body = {"id": "increments", "post_id": "integer", "parent_id": "integer"}
    return {"columns": columns | {"text": {"type": "string", "length": 50}}}


def _replies_after() -> Body:
    columns: Body = dict(_replies()["columns"])
    deleted = {"type": "integer", "orphans": "delete"}
    columns["post_id"] = {**deleted, "references": "articles.id", "nullable": False}
    columns["parent_id"] = {**deleted, "references": "replies.id", "on_delete": "cascade"}
    return {"columns": columns}


def _tags() -> Body:
    columns: Body = {
        "name": {"type": "string", "length": 20},
        "tenant": {"type": "integer", "nullable": False, "default": 1},
    }
    return {"columns": columns, "primary_key": ["name"]}


def _tags_after() -> Body:
    return _tags() | {"primary_key": ["tenant", "name"]}


def _links() -> Body:
    return {
        "columns": {
            "id": "increments",
            "from_id": {"type": "integer", "references": "people.id", "on_delete": "cascade"},
            "to_id": {"type": "integer", "references": "people.id"},
        },
        "indexes": [{"columns": ["from_id", "to_id"], "name": "both ways"}],
    }


def _links_after() -> Body:
    links = _links()
    links["columns"]["to_id"]["on_delete"] = "set null"
    return links | {"indexes": []}


def _children() -> Body:
    return {
        "columns": {
            "id": "increments",
            "parent_id": {"type": "integer", "references": "parents.id"},
        }
    }


def _numbers(kit: Kit) -> Body:
    computed: Body = {"expression": "a * 2", "stored": True}
    numbers: Body = {"columns": {"id": "increments", "a": "integer"}}
    numbers["columns"]["double"] = {"type": "big_integer", "generated": computed}
    if kit.mysql_family or kit.sqlite:
        seen = {"expression": "a + 1", "stored": False}
        numbers["columns"]["next"] = {"type": "big_integer", "generated": seen}
        numbers["indexes"] = [{"columns": ["next"], "name": "by next"}]
    return numbers


def _numbers_after(kit: Kit) -> Body:
    numbers = _numbers(kit)
    columns: Body = numbers["columns"]
    columns["double"]["generated"] = {"expression": "a * 2 + 1", "stored": True}
    if "next" in columns:
        columns["next"] = {"type": "big_integer"}
    columns["third"] = {"type": "big_integer", "generated": {"expression": "a * 3", "stored": True}}
    return numbers


def _countries() -> Body:
    return {
        "columns": {
            "code": {"type": "char", "length": 2, "primary": True},
            "name": {"type": "string", "nullable": False},
            "next_to": {"type": "char", "length": 2, "references": "countries.code"},
        },
        "seed_key": "code",
        "seed": [
            {"code": "se", "name": "Sverige", "next_to": "no"},
            {"code": "no", "name": "Norge"},
        ],
    }


def _types() -> Body:
    return {"enums": {"gone": {"values": ["x"]}, "said": {"values": ["y"]}}}


def _types_after() -> Body:
    said = {"values": ["y"], "comment": "said"}
    return {"enums": {"fresh": {"values": ["p", "q"]}, "said": said}}


def _events() -> Body:
    room = {"column": "room", "with": "="}
    return {
        "columns": {
            "id": "increments",
            "room": {"type": "int4range"},
            "was": {"type": "enum", "values": ["a", "b"], "default": "a"},
        },
        "exclusions": [{"name": "one at a time", "elements": [room]}],
    }


def _events_after() -> Body:
    events = _events()
    events["columns"]["is"] = {**events["columns"].pop("was"), "renamed_from": "was"}
    room = {"column": "room", "with": "&&"}
    return events | {"exclusions": [{"name": "never two", "elements": [room]}]}


def _rows(kit: Kit) -> Rows:
    """Rows of people 1 to 5, of posts by people 1 to 9, of replies to posts 1 to 14."""
    people = [
        {"id": n, "name": f"person {n}", "mood": "glad", "age": n, "town": "x"}
        | {"nick": None if n % 2 else f"nick {n}"}
        for n in range(1, 6)
    ]
    posts = [
        {"id": n, "author_id": n, "title": f"post {n}", "key": UUIDS[n % 5], "price": n, "rank": n}
        for n in range(1, 10)
    ]
    replies = [
        {"id": n, "post_id": n, "parent_id": n - 1 if n % 3 else None, "text": f"reply {n}"}
        for n in range(1, 15)
    ]
    if kit.name == "mariadb":
        for post in posts:
            post["address"] = None  # no address is a number: only NULL outlives the change
    rows: dict[str, list[Body]] = {
        "people": people,
        "posts": posts,
        "replies": replies,
        "tags": [{"name": f"tag {n}"} for n in range(3)],
        "links": [{"from_id": 1, "to_id": 2}, {"from_id": 2, "to_id": 5}],
        "numbers": [{"a": n} for n in range(4)],
        "parents": [{"name": "p"}],
        "children": [{"parent_id": 1}],
    }
    if kit.postgresql:
        rows["events"] = [{"room": "[1,2)", "was": "b"}, {"room": "[3,4)", "was": "a"}]
    return rows
