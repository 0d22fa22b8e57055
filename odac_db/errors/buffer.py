"""What can go wrong with buffered writes."""

from __future__ import annotations

from collections.abc import Sequence

from odac_db.errors.base import OdacDbError


class BufferRefused(OdacDbError):
    """The buffer cannot keep its promise here, so it does not begin; nothing was taken."""


class RowRefused(OdacDbError):
    """A row or a change cannot be what its table takes; nothing of the call was taken.

    ``problems`` name the column and what it takes; ``position`` counts the rows of the call
    from 0.
    """

    def __init__(self, table: str, problems: Sequence[str], position: int = 0) -> None:
        self.table = table
        self.problems = tuple(problems)
        self.position = position
        super().__init__(table, self.problems, position)

    def __str__(self) -> str:
        where = f"{self.table}, row {self.position}" if self.position else self.table
        return f"{where}: {'; '.join(self.problems)}; nothing of this call is buffered"


class BufferedRowRefused(OdacDbError):
    """The server refused operations whose COMMIT was waited for; they are dead letters now.

    ``problems`` are the reasons, ``position`` is the first refused row of the call, from 0,
    ``letters`` are the numbers (``seq``) of the dead letters. The call's other rows are in
    the database.
    """

    def __init__(
        self, table: str, problems: Sequence[str], position: int, letters: Sequence[int]
    ) -> None:
        self.table = table
        self.problems = tuple(problems)
        self.position = position
        self.letters = tuple(letters)
        super().__init__(table, self.problems, position, self.letters)

    def __str__(self) -> str:
        where = f"{self.table}, row {self.position}" if self.position else self.table
        count = len(self.letters)
        return (
            f"{where}: {'; '.join(self.problems)}; the server refused {count} of this call, now "
            "dead letters: mend what they meet and retry_dead_letters(), or discard_dead_letters()"
        )


class KeyReused(OdacDbError):
    """An idempotency key was used before, for something else; nothing of the call was taken."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)

    def __str__(self) -> str:
        return (
            f"the idempotency key {self.key!r} was used for something else before, so nothing of "
            "this call is taken: give each operation a key of its own"
        )


class BufferFull(OdacDbError):
    """The buffer holds as much as it may, or the disk is full; nothing of the call was taken.

    ``waited`` is for how many seconds it was hoped that a flush would make room.
    """

    def __init__(self, reason: str, waited: float = 0.0) -> None:
        self.reason = reason
        self.waited = waited
        super().__init__(reason, waited)

    def __str__(self) -> str:
        waited = f" after {self.waited:.1f} s" if self.waited else ""
        return (
            f"the buffer is full{waited}: {self.reason}; nothing of this call is buffered: see "
            "odac-db buffer status for what keeps the database from taking it"
        )


class JournalFailed(OdacDbError):
    """The disk refused to keep the journal. What the call wrote may or may not survive."""

    def __init__(self, place: str, reason: str) -> None:
        self.place = place
        self.reason = reason
        super().__init__(place, reason)

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}; mend the disk, the operation is not acknowledged"


class LossDetected(OdacDbError):
    """Operations that were taken are in neither journal nor database; the lane stands still.

    They are ``first`` to ``last`` of ``lane`` in the journal ``source``; both 0 if that
    cannot be told.
    """

    def __init__(self, source: str, lane: str, first: int, last: int, reason: str) -> None:
        self.source = source
        self.lane = lane
        self.first = first
        self.last = last
        self.reason = reason
        super().__init__(source, lane, first, last, reason)

    def __str__(self) -> str:
        place = f"journal {self.source}, lane {self.lane}"
        if not self.last:
            return (
                f"{place}: {self.reason}; the lane waits, odac-db buffer drain --accept-loss "
                "brings in what the journal holds"
            )
        return (
            f"{place}: operations {self.first} to {self.last} are lost: {self.reason}; the lane "
            "waits, odac-db buffer drain --accept-loss goes on without them"
        )
