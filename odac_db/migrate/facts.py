"""What the ledger says of the last migrate as a whole, and what has changed since.

Three parties change what a plan compares: whoever edits the files, odac-db, and anybody
else with a database client. The ledger holds a hash of what each of them left: ``files``,
``version`` and ``tables``. A database that is in sync is told from its ``digest`` (the files
it is in sync with; empty where it is not) and its ``fingerprint``, without reading it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
import xxhash

from odac_db.dialects.base import Features, Fingerprint
from odac_db.migrate.leave import Leave
from odac_db.migrate.ledger import Ledger
from odac_db.migrate.reconcile import Known
from odac_db.schema.drift import Drift, Drifted
from odac_db.schema.model import Schema, Unsupported
from odac_db.schema.plan import Plan
from odac_db.schema.plan_file import Basis
from odac_db.version import VERSION

_Hashes = dict[str, dict[str, str]]
_hashes = msgspec.json.Decoder(_Hashes)


# The facts a plan of nothing to do is made of.
_VOUCHING = {"undeclared", "unsupported", "server", "namespace", "tables"}


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What the ledger should say after a look: the facts, and what is stored as what."""

    state: dict[str, str]
    known: frozenset[Known]

    def is_in(self, book: Ledger, known: frozenset[Known]) -> bool:
        """Whether the ledger says so already, or need not exist to do so."""
        if not book.exists:
            return not self.known and not self.state["digest"]
        told = all(book.state.get(name) == value for name, value in self.state.items())
        return told and self.known <= known


def vouched(book: Ledger, digest: str, fingerprint: Fingerprint) -> Plan | None:
    """The empty plan, where files, library and catalog are as the last migrate left them."""
    state = book.state
    asked = {"digest": digest, "version": VERSION, "fingerprint": fingerprint.value}
    # A killed run may have written some facts and not the others (MySQL, MariaDB).
    if not all(asked.values()) or not state.keys() >= _VOUCHING:
        return None
    if any(state.get(name) != value for name, value in asked.items()):
        return None
    return Plan(
        undeclared=msgspec.json.decode(state["undeclared"], type=tuple[str, ...]),
        unsupported=msgspec.json.decode(state["unsupported"], type=tuple[Unsupported, ...]),
    )


def facts(
    files: str,
    plan: Plan,
    live: Schema,
    features: Features,
    fingerprint: Fingerprint,
    *,
    idle: bool,
) -> dict[str, str]:
    """What to remember of a database and the plan that is left for it.

    ``idle`` says that nothing but the files and the catalog decides whether it is in sync.
    """
    return {
        "digest": files if idle and plan.in_sync else "",
        "files": files,
        "version": VERSION,
        "server": features.label,
        "namespace": features.namespace,
        "fingerprint": fingerprint.value,
        "tables": msgspec.json.encode(_hashed(live)).decode(),
        "undeclared": msgspec.json.encode(plan.undeclared).decode(),
        "unsupported": msgspec.json.encode(plan.unsupported).decode(),
    }


def basis(book: Ledger, connection: str, state: Mapping[str, str], leave: Leave) -> Basis:
    """What a plan is made from, told from the facts about it."""
    return Basis(
        connection=connection,
        odac_db=VERSION,
        server=state["server"],
        namespace=state["namespace"],
        ledger=book.state.get("id", ""),
        files=state["files"],
        allow=tuple(sorted(leave.allow)),
        prune=leave.prune,
        big_table=leave.online.big_table,
        objects=_hashes.decode(state["tables"] or "{}"),
    )


def drift(book: Ledger, files: str, live: Schema, features: Features) -> Drift:
    """Who has changed what since the last migrate; nothing where that is not known.

    Another version of odac-db or of the server may tell the same table otherwise: then what
    others did is not told apart from that.
    """
    state = book.state
    before = state.get("version", "")
    library = before if before != VERSION else ""
    told = state.get("tables") and not library and state.get("server") == features.label
    return Drift(
        declared=bool(files and state.get("files") and state["files"] != files),
        library=library,
        actual=tuple(_changed(_hashes.decode(state["tables"]), _hashed(live))) if told else (),
    )


def _hashed(live: Schema) -> _Hashes:
    return {
        "table": {name: _hash(table) for name, table in live.tables.items()},
        "enum": {name: _hash(enum) for name, enum in live.enums.items()},
    }


def _hash(item: msgspec.Struct) -> str:
    return xxhash.xxh3_64_hexdigest(msgspec.msgpack.encode(item))


def _changed(before: Mapping[str, Mapping[str, str]], after: _Hashes) -> Iterator[Drifted]:
    for what, hashes in after.items():
        old = before.get(what, {})
        for name in sorted({*old, *hashes}):
            if name not in old:
                yield Drifted(change="created", what=what, name=name)
            elif name not in hashes:
                yield Drifted(change="dropped", what=what, name=name)
            elif old[name] != hashes[name]:
                yield Drifted(change="altered", what=what, name=name)
