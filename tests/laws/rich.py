"""One fixed folder with every kind of thing that a server can hold."""

from __future__ import annotations

from typing import Any

from tests.laws.kinds import Body, Kit, drawable
from tests.laws.repair import Folder


def rich(kit: Kit) -> Folder:
    """Tables that refer to each other in a circle, and one column of every kind."""
    every: Body = {"columns": {"id": {"type": "big_increments"}, **_every(kit)}}
    return {
        "people": _people(kit),
        "posts": _posts(kit),
        "Replies to": _replies(),
        "every kind": every,
    }


def _people(kit: Kit) -> Body:
    return {
        "comment": "It's people, 50% of them",
        "columns": {
            "id": {"type": "increments"},
            "name": {"type": "string", "length": 80, "nullable": False, "comment": "full name"},
            "email": {"type": "string", "unique": True},
            "mood": {"type": "enum", "values": ["sad", "it's ok", "glad"], "default": "glad"},
            "best post": {"type": "nanoid"},
            "boss_id": {"type": "integer", "references": "people.id", "on_delete": "set null"},
            "age": {"type": "integer", "check": f"{kit.quote('age')} >= 0"},
            "timestamps": {"type": "timestamps"},
        },
        "foreign_keys": [
            {"columns": ["best post"], "references": "posts.id", "name": "people's best"}
        ],
        "checks": [{"name": "a name", "expression": f"{kit.quote('name')} <> ''"}],
        "indexes": [{"columns": ["name", "created_at desc"]}],
    }


def _posts(kit: Kit) -> Body:
    return {
        "columns": {
            "id": {"type": "nanoid", "primary": True},
            "author_id": {"type": "integer", "references": "people.id", "on_delete": "cascade"},
            "tenant": {"type": "string", "length": 20, "nullable": False, "default": "it's"},
            "number": {"type": "integer", "nullable": False},
            "price": {"type": "decimal", "precision": 8, "scale": 3, "default": "9.5"},
            "doubled": {"type": "big_integer", "generated": _doubled(kit)},
        },
        "indexes": [
            {"columns": ["tenant", "number"], "unique": True, "name": "post number"},
            *_indexes(kit),
        ],
    }


def _replies() -> Body:
    return {
        "columns": {
            "tenant": {"type": "string", "length": 20},
            "post": {"type": "integer"},
            "place": {"type": "small_integer"},
        },
        "primary_key": ["place", "tenant", "post"],
        "foreign_keys": [
            {
                "columns": ["tenant", "post"],
                "references": {"table": "posts", "columns": ["tenant", "number"]},
                "on_update": "cascade",
            }
        ],
    }


def _doubled(kit: Kit) -> dict[str, Any]:
    return {"expression": f"{kit.quote('number')} * 2", "stored": True}


def _indexes(kit: Kit) -> list[Body]:
    found: list[Body] = []
    if kit.partial_indexes:
        found.append({"columns": ["price"], "where": f"{kit.quote('number')} > 0"})
    if kit.expression_indexes:
        found.append({"columns": [{"expression": f"lower({kit.quote('tenant')})"}]})
    if kit.postgresql:
        found.append({"columns": ["price"], "include": ["tenant"], "name": "price, tenant"})
        found.append({"columns": ["number"], "using": "brin"})
    return found


def _every(kit: Kit) -> dict[str, Body]:
    """A column of each kind for each default that it may have."""
    columns: dict[str, Body] = {}
    for kind in drawable(kit):
        for default in (None, *kind.defaults):
            column: Body = dict(kind.spec)
            if kind.values:
                column["values"] = list(kind.values[0])
            if default is not None:
                column["default"] = default
            columns[f"column {len(columns)}"] = column
    return columns
