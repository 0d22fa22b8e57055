"""The journals of a folder, as anybody may find them; nothing is changed by looking."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from odac_db.buffer import files, ledger
from odac_db.buffer.answers import JournalStatus
from odac_db.buffer.log import Log
from odac_db.errors import LossDetected


def journals(engine: Engine, home: Path) -> tuple[JournalStatus, ...]:
    """What each holds that the database has not; oldest first, none where there is no folder."""
    if not home.is_dir():
        return ()
    names = files.journal_names(home)
    with engine.connect() as conn:
        positions = ledger.known(conn, names) if names and ledger.exists(conn) else {}
    found = []
    for name in names:
        with suppress(FileNotFoundError):  # it is removed this moment
            found.append(_seen(Log(home / name), positions.get(name, {})))
    return tuple(found)


def _seen(log: Log, positions: dict[str, int]) -> JournalStatus:
    """One that is another user's is named, too, with what is seen from outside."""
    try:
        return _standing(log, positions)
    except PermissionError as error:
        written = datetime.fromtimestamp(log.folder.stat().st_mtime, UTC)
        fault = f"it cannot be read: {error.strerror}"
        return JournalStatus(
            journal=log.id, alive=False, pending={}, bytes=0, written=written, fault=fault
        )


def _standing(log: Log, positions: dict[str, int]) -> JournalStatus:
    held = files.locked(log.folder)
    if held is not None:
        os.close(held)
    pending: dict[str, int] = {}
    fault = ""
    try:
        behind = {lane: end - positions.get(lane, 0) for lane, end in log.lanes().items()}
        pending = {lane: count for lane, count in behind.items() if count > 0}
    except LossDetected as loss:
        fault = str(loss)
    written = datetime.fromtimestamp(log.folder.stat().st_mtime, UTC)
    if log.segments():
        path = files.segment_path(log.folder, log.segments()[-1])
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return JournalStatus(
        journal=log.id,
        alive=held is None,
        pending=pending,
        bytes=log.size(),
        written=written,
        fault=fault,
    )
