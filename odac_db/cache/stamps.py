"""Stamps that the processes of one host share, in a memory-mapped file.

A table has a slot, by its name's hash: two tables in one slot only invalidate too much. A
slot is a word, the stamp, and cells for the tokens of writers. The lowest bit of the word
says that a token stands, so a reader needs one aligned load per table and no lock. Writers
lock the file. The first word of the file is the counter that every stamp is taken from. It
begins at random, and no slot is without a stamp once it was asked for: so a file that takes
the place of one that was deleted has none of its stamps.

Not promised: anything across hosts, across users (each has a file of its own); and that a
file which is deleted while processes use it is noticed before the next write, or in another
process than the writer's before half a second is over.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from xxhash import xxh3_64_intdigest

from odac_db.cache.forks import renewed_in_children
from odac_db.cache.protocol import EVERYTHING, Away, Stamps, Tables

SLOTS = 8192
WIDTH = 16  # words of a slot: the stamp, tokens of writers
_CELLS = WIDTH - 1
_SIZE = (SLOTS + 1) * WIDTH * 8
_LOOK_AT_FILE = 0.5  # seconds between looks whether the file is still there
_AHEAD = (
    3600.0  # seconds that a token may stand beyond its time before it is one of before a reboot
)
_OWNERS = 0xFFFF  # bits of the last cell that count whose token it is

Cells: TypeAlias = dict[int, tuple[int, int]]
"""The tokens of a writer: by place, the cell, and what is in it or, in the last, until when."""


class _Books:
    """Those of this process: one for a file, because its lock is the process's.

    To close any descriptor of a file gives up that lock, so a file is closed while no other
    book of it can be opened.
    """

    def __init__(self) -> None:
        self._open: dict[Path, Stampbook] = {}
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        self._lock = threading.Lock()

    def taken(self, path: Path, token_seconds: float) -> Stampbook:
        with self._lock:
            book = self._open.get(path)
            if book is None or book.is_gone():
                book = self._open[path] = Stampbook(path, token_seconds)
            book.users += 1
            book.token_seconds = max(book.token_seconds, token_seconds)
            return book

    def given_back(self, book: Stampbook) -> None:
        with self._lock:
            book.users -= 1
            if not book.users:
                if self._open.get(book.path) is book:
                    del self._open[book.path]
                book.close()


_books = _Books()


def stampbook(name: str, *, token_seconds: float, directory: Path | None = None) -> Stampbook:
    """The stamps of that name, one object in a process, to be ``given_back``.

    Raises Away if they cannot be had.
    """
    folder = (directory or _shared_directory()).resolve()
    path = folder / f"odac-db-{os.getuid()}-{name}.stamps"
    try:
        return _books.taken(path, token_seconds)
    except OSError as error:
        raise Away(f"{path} cannot be used for the stamps of the cache: {error}") from error


def given_back(book: Stampbook) -> None:
    """It is closed when all who took it have given it back."""
    _books.given_back(book)


def _shared_directory() -> Path:
    memory = Path("/dev/shm")  # noqa: S108 - the file is ours alone, see _open
    return memory if memory.is_dir() else Path(tempfile.gettempdir())


class Stampbook:
    """The file, mapped. ``words`` may be read at any time by anybody; ValueError once closed."""

    def __init__(self, path: Path, token_seconds: float) -> None:
        self.path = path
        self.token_seconds = token_seconds
        self._file = _open(path)
        self._map = mmap.mmap(self._file, _SIZE)
        self.words = memoryview(self._map).cast("Q")
        self._lock = threading.Lock()
        self.look_at = time.monotonic() + _LOOK_AT_FILE
        self.users = 0
        self.is_closed = False
        renewed_in_children(self)
        with self._locked():
            self.words[0] = self.words[0] or secrets.randbits(48)

    def renew(self) -> None:
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            self.is_closed = True
            self.words.release()
            self._map.close()
            os.close(self._file)

    def places(self, tables: Tables) -> tuple[int, ...]:
        """Where in ``words`` the stamps of these tables are. Raises Away if there is no room."""
        found = [_slot(name) * WIDTH for name in tables]
        with self._locked():
            try:
                for place in found:
                    _reserve(self._file, place * 8, WIDTH * 8)
            except OSError as error:
                raise Away(f"{self.path} cannot grow: {error}") from error
            for place in found:
                if not self.words[place]:
                    self._stamp(place)
        return tuple(found)

    def held(self) -> memoryview[int]:
        """A copy of ``words``: to look at all of them would take the room of all."""
        return memoryview(os.pread(self._file, _SIZE, 0)).cast("Q")

    def current(self, places: Sequence[int]) -> Stamps | None:
        """The stamps, None while a token stands or may have run out, or where it is closed."""
        words = self.words
        try:
            found = tuple([words[place] for place in places])
        except ValueError:
            return None
        return None if any(word & 1 for word in found) else found

    def settled(self, places: Sequence[int]) -> Stamps | None:
        with self._locked():
            for place in dict.fromkeys(places):
                if self.words[place] & 1 and self._cleared(place):
                    self._stamp(place)
            return self.current(places)

    def announce(self, places: Sequence[int], before: Cells) -> Cells:
        """A new stamp and a token in each place. What is returned takes them back.

        ``before``: tokens that the same writer has already left.

        Raises Away when others would not see it: the file is gone.
        """
        if self.is_gone():
            raise Away(f"{self.path} was deleted while it was in use")
        cells = dict(before)
        with self._locked():
            for place in dict.fromkeys(places):
                self._cleared(place)
                if not self._stands(place, *before.get(place, (0, 0))):
                    cells[place] = self._left_token(place)
                self._stamp(place)
        return cells

    def confirm(self, places: Sequence[int], cells: Cells) -> None:
        with self._locked():
            for place in dict.fromkeys(places):
                cell, token = cells.get(place, (0, 0))
                if self._stands(place, cell, token):
                    there = self.words[place + cell]
                    others = cell == _CELLS and there & _OWNERS > 1
                    self.words[place + cell] = there - 1 if others else 0
                self._cleared(place)
                self._stamp(place)

    def is_gone(self) -> bool:
        """Whether another file, or none, is where this one was."""
        try:
            there, mine = os.stat(self.path), os.fstat(self._file)
        except OSError:
            return True
        return (there.st_ino, there.st_dev) != (mine.st_ino, mine.st_dev)

    def is_gone_soon(self) -> bool:
        """The same for readers, who need to know it soon: looked at from ``look_at`` on."""
        now = time.monotonic()
        if now < self.look_at:
            return False
        if self.is_gone():
            return True
        self.look_at = now + _LOOK_AT_FILE
        return False

    def _check(self) -> None:
        if self.is_closed:
            raise Away(f"{self.path} has been closed")

    def _left_token(self, place: int) -> tuple[int, int]:
        """A cell with this writer's deadline, one nanosecond apart from all others there."""
        cells = self.words[place + 1 : place + WIDTH]
        token = max(self._deadline(), max(cells) + 1)
        free = next((cell for cell in range(1, _CELLS) if not cells[cell - 1]), _CELLS)
        if free == _CELLS:  # it is for all who find no other, who are counted
            owners = min((cells[-1] & _OWNERS) + 1, _OWNERS)
            self.words[place + free] = (token & ~_OWNERS) + _OWNERS + 1 | owners
        else:
            self.words[place + free] = token
        return free, token

    def _stands(self, place: int, cell: int, token: int) -> bool:
        """Whether a writer's token is still there. In the last cell it is while it has time:
        what is there runs out later than each who is counted."""
        if cell == _CELLS:
            return time.monotonic_ns() < token
        return cell > 0 and self.words[place + cell] == token

    def _deadline(self) -> int:
        return time.monotonic_ns() + int(self.token_seconds * 1e9)

    def _cleared(self, place: int) -> bool:
        """Whether tokens had run out. One that is too far off is of before a reboot."""
        now, ran_out = time.monotonic_ns(), not any(self.words[place + 1 : place + WIDTH])
        latest = now + int((self.token_seconds + _AHEAD) * 1e9)
        for cell in range(place + 1, place + WIDTH):
            if self.words[cell] and not now < self.words[cell] < latest:
                self.words[cell] = 0
                ran_out = True
        return ran_out

    def _stamp(self, place: int) -> None:
        """The next number; the word is written last, so that who dies here did nothing."""
        self.words[0] += 1
        pending = any(self.words[place + 1 : place + WIDTH])
        self.words[place] = self.words[0] << 1 | pending

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone among threads and processes. The lock of a process that dies is free."""
        with self._lock:
            self._check()
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)


def _slot(name: str) -> int:
    """From 1 on. That of everything is nobody else's: it says that the catalog has changed."""
    return 1 if name == EVERYTHING else 2 + xxh3_64_intdigest(name.encode()) % (SLOTS - 1)


def _open(path: Path) -> int:
    """The file, made if need be. Raises OSError for one that is another user's."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(file).st_uid != os.getuid():
            raise PermissionError("it belongs to another user")
        os.ftruncate(file, _SIZE)
        _reserve(file, 0, WIDTH * 8)
    except BaseException:
        os.close(file)
        raise
    return file


def _reserve(file: int, start: int, size: int) -> None:
    """Room for these bytes: where it is wanting later, whoever looks at them gets SIGBUS."""
    reserve = getattr(os, "posix_fallocate", None)  # macOS has none
    if reserve is not None:
        reserve(file, start, size)
