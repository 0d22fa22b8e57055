"""Statements made ready for reads: their SQL, what they depend on, and the head of their key."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Engine, Executable, Result
from sqlalchemy.engine.interfaces import CacheStats
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

from odac_db.cache.forks import renewed_in_children
from odac_db.cache.key import Key
from odac_db.cache.options import meddling
from odac_db.cache.protocol import Tables
from odac_db.cache.rows import Rows
from odac_db.cache.tags import exact
from odac_db.cache.touched import Reads

_KEPT = 2000
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Prepared:
    """A statement without its parameters, as of one stamp of everything.

    ``refused`` says why it is not cached.
    """

    head: bytes
    place: bytes
    tables: Tables
    refused: str
    everything: int | bytes | None

    def key(self, params: bytes, local: bytes | None) -> Key:
        return Key(self.head, self.place + params if local is None else local, params)


@dataclass(frozen=True)
class Asked:
    """A statement with its parameters: the compiled form that all such statements share.

    ``refused`` says why that form does not tell all of it.
    """

    compiled: Any
    values: tuple[Any, ...]
    refused: str = ""

    def params(self) -> bytes:
        """Raises Unknown for a parameter of a class that cannot be told exactly."""
        return exact(self.values)


class Statements:
    """The compiled and prepared statements of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._compiled: OrderedDict[Any, Any] = OrderedDict()
        self._prepared: OrderedDict[Any, Prepared] = OrderedDict()
        self._metadata: OrderedDict[tuple[Any, tuple[str, ...]], SimpleResultMetaData] = (
            OrderedDict()
        )
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        self._lock = threading.Lock()

    def asked(self, statement: Executable, params: Mapping[str, Any] | None) -> Asked:
        """The statement compiled as the engine would, or found compiled."""
        names = sorted(params) if params else []
        clause: Any = statement
        compiled, extracted, collected, known = clause._compile_w_cache(
            self._engine.dialect,
            compiled_cache=self._compiled,
            column_keys=names,
            for_executemany=False,
        )
        shortened(self._compiled, self._lock)
        found = compiled.construct_params(
            params,
            extracted_parameters=extracted,
            escape_names=False,
            _collected_params=collected,
        )
        refused = meddling(clause.get_execution_options()) or self.meddled
        refused = refused or self._led_elsewhere()
        if known is not CacheStats.CACHE_HIT and known is not CacheStats.CACHE_MISS:
            refused = "it has no cache key: see cache_ok and inherit_cache of SQLAlchemy"
        return Asked(compiled, tuple(found.values()), refused)

    @property
    def meddled(self) -> str:
        """Why no statement is cached, by the options of the engine."""
        options = self._engine.get_execution_options()
        return meddling(options) if options else ""

    def _led_elsewhere(self) -> str:
        """A hit begins no transaction, so what a listener sets for each would be passed by."""
        listeners: Any = self._engine.dispatch
        if not listeners.begin:
            return ""
        return "the engine has a listener for begin, which may lead each transaction elsewhere"

    def last(self, compiled: Any, declared: Collection[str] | None) -> Prepared | None:
        """What was prepared last, whatever has happened to the catalog since."""
        return self._prepared.get((compiled, None if declared is None else frozenset(declared)))

    def prepared(
        self,
        compiled: Any,
        declared: Collection[str] | None,
        everything: int | bytes | None,
        reads: Callable[[str], tuple[bytes, Reads]],
    ) -> Prepared:
        """As of that stamp of everything. ``reads``: the database's part, by the catalog."""
        at = (compiled, None if declared is None else frozenset(declared))
        found = self._prepared.get(at)
        if found is not None and found.everything == everything and everything is not None:
            return found
        database, depends = reads(str(compiled))
        made = Prepared(
            head=database + _shape(compiled, depends.tables if declared is not None else ()),
            place=next(_numbers).to_bytes(6, "big"),
            tables=depends.tables,
            refused=depends.refused,
            everything=everything,
        )
        self._prepared[at] = made
        shortened(self._prepared, self._lock)
        return made

    def result(self, asked: Asked, rows: Rows) -> Result[Any]:
        """The rows as SQLAlchemy would give them: by name, position and column.

        By the names of these very rows: what ``SELECT *`` gives changes with its table.
        """
        at = (asked.compiled, rows.keys)
        metadata = self._metadata.get(at)
        if metadata is None:
            metadata = self._metadata[at] = _metadata(asked.compiled, rows.keys)
            shortened(self._metadata, self._lock)
        return IteratorResult(metadata, iter(rows.rows))


def _shape(compiled: Any, declared: Tables) -> bytes:
    """The SQL, the classes that parameters and results go through, and declared tables."""
    results = [(str(one.keyname), _class(one.type)) for one in compiled._result_columns or ()]
    binds = [(str(name), _class(bind.type)) for bind, name in compiled.bind_names.items()]
    parts = (str(compiled), results, binds, declared)
    return msgspec.msgpack.encode(parts)


def _class(kind: Any) -> str:
    return f"{type(kind).__module__}.{type(kind).__qualname__} {kind!r}"


def _metadata(compiled: Any, keys: tuple[str, ...]) -> SimpleResultMetaData:
    columns = compiled._result_columns or ()
    extra = [tuple(one.objects) for one in columns] if len(columns) == len(keys) else None
    return SimpleResultMetaData(keys, extra=extra)


def shortened(kept: OrderedDict[Any, Any], lock: threading.Lock) -> None:
    """Forgets what was made first: whatever is in use is made again."""
    if len(kept) > _KEPT:
        with lock:
            while len(kept) > _KEPT:
                kept.popitem(last=False)
