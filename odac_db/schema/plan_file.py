"""Plans as files: written to be read by people, carried out only while nothing has moved.

The file says what the plan was made from and what it would do. ``migrate`` makes the plan
again, under the lock, and compares: no SQL of a file is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from odac_db.errors import PlanRefused

__all__ = ["FORMAT", "Basis", "SavedPlan", "differences", "read_plan", "write_plans"]

FORMAT = 1
"""The format of plan files; a newer one is refused."""


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan was made from.

    ``ledger`` is the id of the database's ledger, empty before the first migrate.
    ``files`` hashes the declarations (empty for SQLAlchemy metadata), ``objects`` each table
    and enum type of the database.
    """

    connection: str
    odac_db: str
    server: str
    namespace: str
    ledger: str
    files: str
    allow: tuple[str, ...]
    prune: bool
    big_table: int
    objects: dict[str, dict[str, str]]


class SavedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One connection's plan as a file holds it; ``operations`` as ``plan --json`` prints them."""

    basis: Basis
    operations: tuple[dict[str, Any], ...]


class _File(msgspec.Struct, frozen=True, kw_only=True):
    plan_format: int
    hash: str
    connections: dict[str, SavedPlan]


def write_plans(path: str | os.PathLike[str], plans: Sequence[SavedPlan]) -> None:
    """Writes the file whole or not at all: a new one takes the place of an old one."""
    target = Path(path)
    connections = {plan.basis.connection: msgspec.to_builtins(plan) for plan in plans}
    content = {"plan_format": FORMAT, "hash": _hash(connections), "connections": connections}
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read_plan(path: str | os.PathLike[str], connection: str) -> SavedPlan:
    """One connection's plan. Raises PlanRefused for a file that is not as it was written."""
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PlanRefused([f"{path} is no plan file: {error}"]) from error
    found = content.get("plan_format") if isinstance(content, dict) else None
    if not isinstance(found, int):
        raise PlanRefused([f"{path} is no plan file"])
    if found != FORMAT:
        raise PlanRefused([f"{path} has format {found}, this odac-db knows {FORMAT}"])
    if content.get("hash") != _hash(content.get("connections")):
        raise PlanRefused([f"{path} was edited: its hash does not fit what it says"])
    plans = msgspec.convert(content, _File).connections
    if connection not in plans:
        raise PlanRefused([f"{path} has no plan for the connection {connection}"])
    return plans[connection]


def _hash(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def differences(saved: SavedPlan, now: SavedPlan) -> list[str]:
    """What has moved since a plan was saved; empty where nothing has."""
    found = list(_moved(saved.basis, now.basis))
    # Operations follow from what has moved; only where nothing has do they say more.
    return found or list(_others(saved.operations, now.operations))


def _moved(old: Basis, new: Basis) -> Iterator[str]:
    if old.odac_db != new.odac_db:
        yield f"odac-db {old.odac_db} made the plan, this is {new.odac_db}"
    if old.server != new.server:
        yield f"the plan is for {old.server}, this is {new.server}"
    if old.namespace != new.namespace:
        yield f"the plan is for {old.namespace}, this is {new.namespace}"
    elif old.ledger != new.ledger:
        never = "the plan is for a database that was never migrated, this one was"
        yield "the plan is for another database" if old.ledger else never
    if old.files != new.files:
        yield "the schema files have changed"
    changed = list(_objects(old.objects, new.objects))
    if changed:
        yield f"the database has changed: {', '.join(changed)}"


def _objects(
    old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    for kind in sorted({*old, *new}):
        before, after = old.get(kind, {}), new.get(kind, {})
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                done = "altered" if name in before and name in after else "created"
                yield f"{kind} {name} {'dropped' if name not in after else done}"


def _others(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> Iterator[str]:
    for before, after in zip(old, new, strict=False):
        if _settled(before) == _settled(after):
            continue
        if _named(before) != _named(after):
            yield f"{_named(before)} was planned, {_named(after)} would be done"
        elif before["status"] != after["status"]:
            words = [f"{before['status']} when it was planned", f"{after['status']} now"]
            yield f"{_named(before)}: {', '.join(words).replace('_', ' ')}: {after['reason']}"
        elif before["rows"] != after["rows"]:
            rows = f"{before['rows']} rows when it was planned, {after['rows']} now"
            yield f"{_named(before)}: {rows}"
        else:
            old_one, new_one = _settled(before), _settled(after)
            keys = ", ".join(key for key in old_one if old_one[key] != new_one.get(key))
            yield f"{_named(before)} has another {keys}"
    for extra in new[len(old) :]:
        yield f"{_named(extra)} was not planned"
    for gone in old[len(new) :]:
        yield f"{_named(gone)} was planned and is not needed"


def _settled(operation: dict[str, Any]) -> dict[str, Any]:
    """The operation without what is told for people, of other rows than there may be by now.

    How many rows a fill finds does not matter: it loses nothing.
    """
    told = {"reason", "findings", *(["rows"] if operation["kind"] == "backfill" else [])}
    return {key: value for key, value in operation.items() if key not in told}


def _named(operation: dict[str, Any]) -> str:
    parts = [operation["kind"], operation["table"], operation["name"]]
    return " ".join(dict.fromkeys(part for part in parts if part))
