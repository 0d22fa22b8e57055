"""The named points at which a process is killed, or stopped, and the faults put in on purpose.

Both replace functions of the buffer in the process that is to die of them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy import Connection

from odac_db.buffer import cursor, faults, files, flush, fold, frames, journal, ledger, log, source
from odac_db.errors import LossDetected


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def stop_first(folder: Path) -> None:
    """Stops the first process that comes here, as SIGSTOP does; the others go on."""
    try:
        file = os.open(folder / "stopped", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return
    os.write(file, str(os.getpid()).encode())
    os.close(file)
    os.kill(os.getpid(), signal.SIGSTOP)


def wake_first(folder: Path) -> None:
    """Lets the stopped one go on, if it is another one."""
    with suppress(FileNotFoundError):
        stopped = int((folder / "stopped").read_text("ascii"))
        if stopped != os.getpid():
            os.kill(stopped, signal.SIGCONT)


class Countdown:
    """Ends the process, or does something else, the so-many-th time it is reached."""

    def __init__(self, hits: int, deed: Callable[[], None] = die) -> None:
        self.hits = hits
        self.deed = deed

    def __call__(self) -> None:
        self.hits -= 1
        if not self.hits:
            self.deed()


def before(owner: Any, name: str, reached: Countdown) -> None:
    whole = getattr(owner, name)

    def replaced(*arguments: Any, **named: Any) -> Any:
        reached()
        return whole(*arguments, **named)

    setattr(owner, name, replaced)


def after(owner: Any, name: str, reached: Countdown) -> None:
    whole = getattr(owner, name)

    def replaced(*arguments: Any, **named: Any) -> Any:
        answer = whole(*arguments, **named)
        reached()
        return answer

    setattr(owner, name, replaced)


def torn_write(reached: Countdown) -> None:
    """The better part of a frame is written when the process dies."""
    whole = files.put

    def half() -> None:
        whole(*pending)
        reached.deed()

    pending: Any = ()
    mine = Countdown(reached.hits, half)

    def replaced(file: int, held: Any, data: bytes, offset: int) -> None:
        nonlocal pending
        pending = (file, held, data[: len(data) * 4 // 5], offset)
        mine()
        whole(file, held, data, offset)

    files.put = replaced


POINTS: dict[str, Callable[[Countdown], None]] = {
    "torn write": torn_write,
    "after write": lambda reached: after(files, "put", reached),
    "before roll": lambda reached: before(journal.Journal, "_roll", reached),
    "after roll": lambda reached: after(journal.Journal, "_roll", reached),
    "before registration": lambda reached: before(ledger, "register", reached),
    "after registration": lambda reached: after(ledger, "register", reached),
    "before position": lambda reached: before(ledger, "moved", reached),
    "after position": lambda reached: after(ledger, "moved", reached),
    "after rows": lambda reached: after(flush, "apply", reached),
    "while halving": lambda reached: after(flush, "_tried", reached),
    "after dead letter": lambda reached: after(ledger, "bury", reached),
    "before commit": lambda reached: before(Connection, "commit", reached),
    "after commit": lambda reached: after(Connection, "commit", reached),
    "before prune": lambda reached: before(log.Log, "prune", reached),
    "after prune": lambda reached: after(log.Log, "prune", reached),
    "adopting": lambda reached: after(files, "locked", reached),
    "before retiring": lambda reached: before(ledger, "retire", reached),
    "after retiring": lambda reached: after(ledger, "retire", reached),
    "removing": lambda reached: before(Path, "rmdir", reached),
}


# --- faults ------------------------------------------------------------------------------


def no_comparison() -> None:
    """The position is moved wherever it was."""

    def moved(conn: Connection, source: str, lane: str, old: int, new: int) -> bool:
        del old
        here = ledger.positions.c
        mine = sa.update(ledger.positions).where(here.source == source, here.lane == lane)
        if not conn.execute(mine.values(seq=new)).rowcount:
            conn.execute(sa.insert(ledger.positions), ledger._row(source, lane, new))
        return True

    ledger.moved = moved


def position_in_its_own_transaction() -> None:
    whole = flush._moved

    def moved(conn: Connection, ground: Any, work: Any) -> bool:
        found = whole(conn, ground, work)
        if found:
            conn.commit()
            ground.buffering.begin(conn)
        return found

    flush._moved = moved


def acknowledged_before_written() -> None:
    whole = journal.Journal.append_lots

    def append_lots(self: Any, lots: Any, *, write: bool = True, once: Any = None) -> Any:
        del write
        return whole(self, lots, write=False, once=once)

    journal.Journal.append_lots = append_lots  # type: ignore[method-assign] # a failpoint


def unlinked_before_commit() -> None:
    whole = flush._moved
    logs: list[Any] = []

    def moved(conn: Connection, ground: Any, work: Any) -> bool:
        for each in list(logs):
            each.prune(dict.fromkeys(("events", "counters"), 1 << 40), 0)
        return whole(conn, ground, work)

    making = log.Log.__init__

    def noted(self: Any, *arguments: Any, **named: Any) -> None:
        making(self, *arguments, **named)
        logs.append(self)

    log.Log.__init__ = noted  # type: ignore[method-assign]
    flush._moved = moved


def position_from_memory() -> None:
    """A position that the database has lost counts as reached."""

    def moved(conn: Connection, source: str, lane: str, old: int, new: int) -> bool:
        if not old and ledger._begun(conn, source, lane, new):
            return True
        here = ledger.positions.c
        mine = sa.update(ledger.positions).where(
            here.source == source, here.lane == lane, here.seq <= old
        )
        return conn.execute(mine.values(seq=new)).rowcount == 1

    ledger.moved = moved


def torn_end_is_taken() -> None:
    """Checksums are not looked at, and gaps are no losses."""

    def frame_at(held: bytes, start: int) -> Any:
        begin = start + frames.HEAD
        if begin > len(held):
            return None
        length, _, place = frames._WHOLE.unpack_from(held, start)
        if not length:
            return None
        payload = held[begin : begin + length]
        return frames.Frame(place >> 48, place & ((1 << 48) - 1), payload, begin + length)

    for module in (frames, cursor, log):
        module.frame_at = frame_at  # type: ignore[attr-defined]


def queued_again_after_a_lost_commit() -> None:
    """Who hears nothing of a COMMIT takes it for undone and counts the position as his own."""
    whole = source.Source._step

    def step(self: Any, session: Any, ground: Any, lane: Any, clock: Any) -> Any:
        chunks = list(lane.chunks)
        position = lane.position
        try:
            return whole(self, session, ground, lane, clock)
        except LossDetected:
            raise
        except Exception:
            again = chunks or list(lane.chunks)
            session.drop()
            conn = session.connection()
            ground.buffering.begin(conn)
            faults.apply(conn, ground, fold.steps(again, ground.lanes))
            conn.commit()
            lane.position = position
            raise

    source.Source._step = step  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[], None]] = {
    "no comparison": no_comparison,
    "position in its own transaction": position_in_its_own_transaction,
    "acknowledged before written": acknowledged_before_written,
    "unlinked before commit": unlinked_before_commit,
    "position from memory": position_from_memory,
    "torn end is taken": torn_end_is_taken,
    "queued again after a lost commit": queued_again_after_a_lost_commit,
}
