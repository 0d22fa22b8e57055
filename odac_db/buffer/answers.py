"""What the buffer is told and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from odac_db.errors import BufferRefused

Acknowledge = Literal["memory", "process", "disk", "db"]
"""What has happened when a call returns.

``memory``: it is in this process, and dies with it. ``process``: it is in the journal's
file and survives the death of any process, also of the database; a loss of power takes up
to half a second. ``disk``: it survives a loss of power. ``db``: it is committed.
"""
WhenFull = Literal["block", "raise", "write_through", "drop_newest"]
"""What becomes of a call when the buffer holds all it may.

``block``: it waits, then raises. ``raise``: it raises at once. ``write_through``: it
flushes by itself. ``drop_newest``: it is dropped, and counted.
"""


_LEVELS = get_args(Acknowledge)
_POLICIES = get_args(WhenFull)


def fit_level(level: Any) -> Any:
    """The level of acknowledgement. Raises BufferRefused for what is none."""
    return _one_of("acknowledge", level, _LEVELS)


def fit_options(options: BufferOptions) -> BufferOptions:
    """Options whose words are known. Raises BufferRefused."""
    fit_level(options.acknowledge)
    _one_of("when_full", options.when_full, _POLICIES)
    return options


def _one_of(name: str, given: Any, words: tuple[str, ...]) -> Any:
    if given not in words:
        raise BufferRefused(f"{name}={given!r} is unknown: it is one of {', '.join(words)}")
    return given


class BufferOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a database's writes are buffered.

    ``folder`` holds the journals, on a disk of this host. ``interval`` is how many seconds
    operations wait for company. ``max_bytes`` may be in the journal from the first operation on
    that is not yet in the database; ``when_full`` says what becomes of more, ``full_timeout``
    for how long ``block`` waits. ``retention``: for so many seconds what is applied is kept, in
    case the database loses it. ``exit_timeout`` bounds the last flush of a process.
    ``most_refused``: a greater share of refused operations (and more than 200) stops the lane.
    ``max_age``: it counts as full, too, while something has been waiting for more seconds than
    that, as every flush looks. ``key_retention``: for so many seconds an idempotency key is
    known.
    """

    folder: str | Path
    acknowledge: Acknowledge = "process"
    interval: float = 0.2
    max_bytes: int = 1 << 30
    when_full: WhenFull = "block"
    full_timeout: float = 30.0
    retention: float = 600.0
    exit_timeout: float = 5.0
    most_refused: float = 0.5
    segment_bytes: int = 16 << 20
    key_retention: float = 7 * 86_400.0
    max_age: float | None = None


class FlushResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a flush did. ``paused`` tells why a lane stands still, by its name."""

    rows: int
    dead: int
    pending: int
    seconds: float
    paused: Mapping[str, str] = {}


class BufferStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where this process's buffer stands; counts are of operations since it began.

    ``pending`` are not in the database yet, ``oldest`` seconds is how long some have been
    waiting. ``bytes`` are on the disk. ``journals`` counts its own and those it adopted.
    ``flush_seconds`` is what flushes took together, ``slowest_flush`` what one took at most.
    ``rewound``: how often the database was found to have lost what it had, which was then
    applied again. ``foreign`` journals are of another database, damaged or cannot be opened, and
    let alone.
    """

    pending: int
    oldest: float
    bytes: int
    journals: int
    applied: int
    dead: int
    dropped: int
    transactions: int
    flush_seconds: float
    slowest_flush: float
    retries: int
    rewound: int
    paused: Mapping[str, str] = {}
    foreign: Mapping[str, str] = {}


class JournalStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One journal of a folder as anybody may find it. ``alive``: its process is."""

    journal: str
    alive: bool
    pending: Mapping[str, int]
    bytes: int
    written: datetime
    fault: str = ""


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters that were tried again; those refused stay, with the reason by their place."""

    applied: int
    refused: int
    refusals: Mapping[str, str] = {}


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that the server refused; ``payload`` is JSON: its key and its columns."""

    journal: str
    lane: str
    seq: int
    table: str
    operation: str
    payload: str
    error: str
    created_at: datetime
