"""The journal: what is acknowledged can be read, whatever is cut off or turned over behind it."""

from __future__ import annotations

import errno
import os
import random
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from odac_db.buffer import files
from odac_db.buffer.cursor import Cursor
from odac_db.buffer.files import JournalClosed
from odac_db.buffer.journal import Journal
from odac_db.buffer.log import Log
from odac_db.buffer.shapes import Shape, Values
from odac_db.errors import BufferFull, BufferRefused, JournalFailed, LossDetected

EVENTS = Shape("events", "events", "insert", (), ("id", "n"))
VIEWS = Shape("posts", "posts", "increment", ("id",), ("views",))
EVERYTHING = 1 << 40
INTERRUPTIONS: list[tuple[bool | None, ...]] = [(), (True,), (False,), (None, True), (None, False)]
"""For each write of a call: before it (True), after it (False), not at all (None)."""
Dose = Callable[[int, int], int]


@pytest.fixture(params=["mapped", "written"])
def journal(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Journal]:
    """By way of memory, and by a call for each frame, as on file systems not sure to have room."""
    kind = files.file_system(tmp_path)
    monkeypatch.setattr(files, "MAPPED", {kind} if request.param == "mapped" else set())
    made = Journal(tmp_path, "db", segment_bytes=1 << 14)
    yield made
    made.abandon()


def read(log: Log, lane: str, position: int = 0) -> list[Values]:
    cursor = Cursor(log, lane)
    cursor.seek(position)
    found: list[Values] = []
    while chunks := cursor.read(7, EVERYTHING):
        found += [row for chunk in chunks for row in chunk.rows]
    return found


def dead(journal: Journal) -> Log:
    journal.write_out()
    return Log(journal.folder)


def rows(first: int, count: int) -> list[Values]:
    return [(f"k{number}", number) for number in range(first, first + count)]


def test_what_is_taken_is_read_in_order_lane_by_lane(journal: Journal) -> None:
    for number in range(0, 3000, 3):
        journal.append(EVENTS, rows(number, 3))
        journal.append(VIEWS, [("p", number)])
    assert len(Log(journal.folder).segments()) > 3
    for log in (Log(journal.folder, lambda: journal.end), dead(journal)):
        assert read(log, "events") == rows(0, 3000)
        assert read(log, "posts") == [("p", number) for number in range(0, 3000, 3)]
        assert read(log, "events", 2000) == rows(2000, 1000)
        assert read(log, "none") == []
    assert Log(journal.folder).lanes() == {"events": 3000, "posts": 1000} == journal.lanes


def test_a_call_larger_than_a_segment_is_in_one(journal: Journal) -> None:
    journal.append(EVENTS, rows(0, 1))
    last, _ = journal.append(EVENTS, rows(1, 200_000))
    journal.append(EVENTS, rows(200_001, 1))
    assert last == 200_001
    assert read(dead(journal), "events") == rows(0, 200_002)


def test_what_is_not_written_yet_keeps_its_place(journal: Journal) -> None:
    journal.append(EVENTS, rows(0, 2), write=False)
    live = Log(journal.folder, lambda: journal.end)
    assert read(live, "events") == []
    journal.append(EVENTS, rows(2, 1))
    assert read(live, "events") == rows(0, 3)


def test_cut_off_anywhere_it_holds_a_beginning_and_says_no_more(tmp_path: Path, dose: Dose) -> None:
    with_frames = Journal(tmp_path, "db", segment_bytes=1 << 20)
    ends = []
    for number in range(dose(40, 8000)):
        with_frames.append(EVENTS, rows(number, 1))
        ends.append(with_frames.end.offset)
    whole = files.segment_path(with_frames.folder, 0).read_bytes()[: ends[-1]]
    with_frames.abandon()
    path = files.segment_path(with_frames.folder, 0)
    first = ends[0]
    for cut in range(first, len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = sum(end <= cut for end in ends)
        assert Log(path.parent).lanes() == {"events": kept}
        if cut % 11 == 0 or cut in ends:
            assert read(Log(path.parent), "events") == rows(0, kept)
            path.write_bytes(whole[:cut] + bytes(500))
            assert read(Log(path.parent), "events") == rows(0, kept)


def test_no_bit_turned_over_is_ever_passed_on(tmp_path: Path, dose: Dose) -> None:
    journal = Journal(tmp_path, "db", segment_bytes=1 << 14)
    for number in range(200):
        journal.append(EVENTS, rows(number, 1))
    end = journal.end.offset
    journal.abandon()
    path = files.segment_path(journal.folder, 0)
    whole = path.read_bytes()
    for _ in range(dose(150, 20_000)):
        place, bit = random.randrange(end), 1 << random.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        found = None  # a loss is told
        with suppress(LossDetected):
            found = read(Log(path.parent), "events")
        # Nothing stands behind the last frame: it may be one that was never whole.
        assert found in (None, rows(0, 199)), (place, bit)


def test_damage_names_what_is_lost_and_the_rest_can_be_had(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "db")
    ends = []
    for number in range(100):
        journal.append(EVENTS, rows(number, 1))
        ends.append(journal.end.offset)
    journal.abandon()
    path = files.segment_path(journal.folder, 0)
    held = bytearray(path.read_bytes())
    held[ends[40] + 20] ^= 1
    path.write_bytes(held)
    before = Cursor(Log(path.parent), "events")
    assert [row for chunk in before.read(1000, EVERYTHING) for row in chunk.rows] == rows(0, 41)
    for _ in range(2):
        with pytest.raises(LossDetected) as raised:
            before.read(1000, EVERYTHING)
        assert (raised.value.first, raised.value.last) == (42, 42)
    behind = Cursor(Log(path.parent), "events", lenient=True)
    behind.seek(42)
    assert [row for chunk in behind.read(1000, EVERYTHING) for row in chunk.rows] == rows(42, 58)


def test_a_segment_that_ends_too_early_is_a_loss(journal: Journal) -> None:
    for number in range(2000):
        journal.append(EVENTS, rows(number, 1))
    log = dead(journal)
    path = files.segment_path(journal.folder, 1)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(LossDetected, match="ends too early") as raised:
        read(log, "events")
    assert raised.value.last == log.base(2, "events")


def test_pruned_segments_are_applied_ones_and_their_loss_is_seen(journal: Journal) -> None:
    for number in range(2000):
        journal.append(EVENTS, rows(number, 1))
    log = Log(journal.folder, lambda: journal.end)
    held = len(log.segments())
    assert log.prune({"events": 0}, 0) == held
    assert log.prune({"events": 2000}, 3600) == held
    base = log.base(3, "events")
    assert log.prune({"events": base}, 0) == held - 3
    assert read(log, "events", base) == rows(base, 2000 - base)
    with pytest.raises(LossDetected, match="behind") as raised:
        read(log, "events", 5)
    assert (raised.value.first, raised.value.last) == (6, base)


def turned_over(journal: Journal, place: int) -> Log:
    """A byte of its first segment; there and behind are whole frames."""
    journal.abandon()
    path = files.segment_path(journal.folder, 0)
    held = bytearray(path.read_bytes())
    held[place] ^= 255
    path.write_bytes(held)
    return Log(journal.folder)


def test_operations_of_a_lane_that_is_told_no_more_are_a_loss(journal: Journal) -> None:
    """Their journal was held to be empty, and removed."""
    journal.append(VIEWS, [("p", 1)])
    introduced = journal.end.offset
    for number in range(20):
        journal.append(EVENTS, rows(number, 1))
    log = turned_over(journal, introduced + 20)
    with pytest.raises(LossDetected, match="tells no more whose operations it holds"):
        log.lanes()
    assert log.lanes(lenient=True) == {"posts": 1}
    rest = Cursor(log, "posts", lenient=True)
    rest.seek(0)
    assert [chunk.rows for chunk in rest.read(10, EVERYTHING)] == [[("p", 1)]]
    assert rest.read(10, EVERYTHING) == []


def test_operations_whose_columns_are_told_no_more_are_passed_by_only_with_leave(
    journal: Journal,
) -> None:
    journal.append(EVENTS, rows(0, 1))
    introduced = journal.end.offset
    others = EVENTS._replace(columns=("id",))
    journal.append(others, [("a",), ("b",)])
    log = turned_over(journal, introduced + 20)
    assert log.lanes() == {"events": 3}
    for lenient in (False, True):
        cursor = Cursor(log, "events", lenient=lenient)
        cursor.seek(1)
        with pytest.raises(LossDetected) as raised:
            cursor.read(10, EVERYTHING)
        assert raised.value.first == 2
    assert raised.value.last == 3


def test_what_is_applied_late_is_kept_as_long_as_all_else(journal: Journal) -> None:
    """An hour's outage was longer than retention: all of it was removed as soon as it was in."""
    for number in range(2000):
        journal.append(EVENTS, rows(number, 1))
    log = Log(journal.folder, lambda: journal.end)
    held = log.segments()
    for segment in held:
        os.utime(files.segment_path(journal.folder, segment), (0, 0))
    base = log.base(3, "events")
    assert log.prune({"events": base}, 600, 1000.0) == len(held)
    assert log.prune({"events": base}, 600, 1599.0) == len(held)
    assert log.prune({"events": 0}, 600, 1600.0) == len(held)  # the database has lost it again
    assert log.prune({"events": 2000}, 600, 1700.0) == len(held)
    assert log.prune({"events": 2000}, 600, 2299.0) == len(held)
    assert log.prune({"events": 2000}, 600, 2300.0) == 1


def test_a_journal_of_the_dead_knows_since_when_it_is_applied(journal: Journal) -> None:
    journal.append(EVENTS, rows(0, 1))
    journal.close()
    os.utime(files.segment_path(journal.folder, 0), (0, 0))
    log = Log(journal.folder)
    assert log.applied_for(done=True) == 0
    mark = journal.folder / files.APPLIED
    os.utime(mark, (0, mark.stat().st_mtime - 700))
    assert 700 <= Log(journal.folder).applied_for(done=True) < 800  # another process
    assert log.applied_for(done=False) == 0
    assert log.applied_for(done=True) == 0
    log.remove()
    assert not journal.folder.exists()


def test_a_journal_that_is_removed_while_they_are_counted_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, removed = (Journal(tmp_path, "db") for _ in range(2))
    whole = files._is_journal

    def seen(entry: os.DirEntry[str]) -> bool:
        if entry.name == removed.id:
            removed.close()
            Log(removed.folder).remove()
        return whole(entry) or entry.name == removed.id

    monkeypatch.setattr(files, "_is_journal", seen)
    assert files.journal_names(tmp_path) == [kept.id]
    kept.close()


def test_a_full_disk_is_met_before_the_acknowledgement(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    taken = 0
    monkeypatch.setattr(os, "posix_fallocate", full)
    with suppress(BufferFull):
        while taken < 10_000:
            journal.append(EVENTS, rows(taken, 1))
            taken += 1
    with pytest.raises(BufferFull, match="No space left"):
        journal.append(EVENTS, rows(taken, 1))
    monkeypatch.undo()
    assert 100 < taken < 10_000
    assert read(dead(journal), "events") == rows(0, taken)
    journal.append(EVENTS, rows(taken, 1))
    assert read(dead(journal), "events") == rows(0, taken + 1)


def test_a_write_that_fails_takes_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(EVENTS, rows(0, 1))
    journal.append(EVENTS, rows(1, 1), write=False)

    def broken(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(files, "put", broken)
    with pytest.raises(JournalFailed, match="Input/output"):
        journal.append(EVENTS, rows(7, 1))
    monkeypatch.undo()
    journal.append(EVENTS, rows(2, 1))
    assert read(dead(journal), "events") == rows(0, 3)


def test_a_sync_that_fails_is_never_asked_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, upto = journal.append(EVENTS, rows(0, 1))

    def broken(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(JournalFailed):
        journal.sync(upto)
    monkeypatch.setattr(os, "fdatasync", synced.append)
    with pytest.raises(JournalFailed, match="could not keep"):
        journal.sync(upto)
    assert synced == []
    with_next, upto = journal.append(EVENTS, rows(1, 1))
    journal.sync(upto)
    assert upto.segment == 1
    assert with_next == 2
    assert read(dead(journal), "events") == rows(0, 2)


def test_one_sync_serves_everybody_who_waits(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    first_in, go_on = threading.Event(), threading.Event()

    def slow(file: int) -> None:
        asked.append(file)
        first_in.set()
        assert go_on.wait(10)

    def write(number: int) -> None:
        journal.sync(journal.append(EVENTS, rows(number, 1))[1])

    monkeypatch.setattr(os, "fdatasync", slow)
    leader = threading.Thread(target=write, args=(0,))
    leader.start()
    assert first_in.wait(10)
    upto = [journal.append(EVENTS, rows(number, 1))[1] for number in range(1, 9)]
    others = [threading.Thread(target=journal.sync, args=(one,)) for one in upto]
    for other in others:
        other.start()
    go_on.set()
    for thread in (leader, *others):
        thread.join(10)
    assert len(asked) == 2


def test_threads_share_a_journal_without_a_gap(journal: Journal) -> None:
    def write(name: str) -> None:
        for number in range(300):
            journal.append(EVENTS, [(name, number)], write=number % 3 == 0)

    threads = [threading.Thread(target=write, args=(f"t{each}",)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read(dead(journal), "events")
    assert sorted(found) == sorted(
        (f"t{each}", number) for each in range(4) for number in range(300)
    )
    for each in range(4):
        assert [n for name, n in found if name == f"t{each}"] == list(range(300))


def test_only_the_owner_may_read_it(journal: Journal) -> None:
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700
    for path in journal.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_lock_tells_the_living_from_the_dead(journal: Journal) -> None:
    assert files.locked(journal.folder) is None
    child = os.fork()
    if not child:
        journal.abandon()  # a child that forgets this would hide its parent's death
        os._exit(files.locked(journal.folder) is not None)
    assert os.waitpid(child, 0)[1] == 0
    journal.close()
    held = files.locked(journal.folder)
    assert held is not None
    os.close(held)
    assert files.segment_path(journal.folder, 0).stat().st_size == journal.end.offset


def test_a_folder_where_no_journal_is_safe_is_refused(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path}/far nfs4 rw 0 0\n")
    assert files.fit_folder(tmp_path / "near", mounts).is_dir()
    with pytest.raises(BufferRefused, match=r"network file system \(nfs4\)"):
        files.fit_folder(tmp_path / "far" / "journal", mounts)
    (tmp_path / "file").touch()
    with pytest.raises(BufferRefused, match="cannot be written"):
        files.fit_folder(tmp_path / "file" / "journal")


def test_the_next_segment_is_reserved_ahead(journal: Journal) -> None:
    journal.prepare()
    assert not (journal.folder / "next.part").exists()
    while not (journal.folder / "next.part").exists():
        journal.append(EVENTS, rows(0, 10))
        journal.prepare()
    reserved = (journal.folder / "next.part").stat().st_ino
    while journal.end.segment == 0:
        journal.append(EVENTS, rows(0, 10))
    assert files.segment_path(journal.folder, 1).stat().st_ino == reserved


def test_interrupted_anywhere_what_is_acknowledged_is_there_once(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = files.put
    when: Iterator[bool | None] = iter(())

    def interrupted(*given: Any) -> None:
        before = next(when, None)
        if before is True:
            raise KeyboardInterrupt
        whole(*given)
        if before is False:
            raise KeyboardInterrupt

    monkeypatch.setattr(files, "put", interrupted)
    acknowledged = []
    for number in range(200):
        when = iter(random.choice(INTERRUPTIONS))
        with suppress(KeyboardInterrupt):
            journal.append(EVENTS, rows(number, 1), write=number % 5 != 0)
            acknowledged.append(number)
    monkeypatch.undo()
    found = [number for _, number in read(dead(journal), "events")]
    assert sorted(set(found)) == found
    assert set(acknowledged) <= set(found)


def test_called_in_the_midst_of_a_call_it_refuses(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = files.put
    refused: list[BaseException] = []

    def with_handler(*given: Any) -> None:
        try:
            journal.append(EVENTS, rows(9, 1))
        except BufferRefused as error:
            refused.append(error)
        whole(*given)

    monkeypatch.setattr(files, "put", with_handler)
    journal.append(EVENTS, rows(0, 1))
    monkeypatch.undo()
    assert len(refused) == 1
    journal.append(EVENTS, rows(1, 1))
    assert read(dead(journal), "events") == rows(0, 2)


def test_closed_it_writes_into_no_file_that_has_its_descriptor(
    journal: Journal, tmp_path: Path
) -> None:
    """The number of a closed file is given to the next one that anybody opens."""
    _, synced = journal.append(EVENTS, rows(0, 1))
    descriptor = journal._file
    journal.close()
    other = tmp_path / "others"
    other.write_bytes(b"x" * 4096)
    opened = [os.open(other, os.O_RDWR)]
    while opened[-1] < descriptor:
        opened.append(os.open(other, os.O_RDWR))
    with pytest.raises(JournalClosed):
        journal.append(EVENTS, rows(1, 1))
    with pytest.raises(JournalClosed):
        journal.append(EVENTS, rows(1, 1), write=False)
    journal.write_out()
    journal.sync(synced)
    journal.close()
    for one in opened:
        os.close(one)
    assert other.read_bytes() == b"x" * 4096
    assert read(Log(journal.folder), "events") == rows(0, 1)


def test_closed_while_the_next_segment_is_reserved_it_keeps_no_room(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    while journal.end.offset * 2 < 1 << 14:
        journal.append(EVENTS, rows(0, 10))
    whole = files.made

    def closing(path: Path, size: int) -> int:
        journal.close()
        return whole(path, size)

    monkeypatch.setattr(files, "made", closing)
    journal.prepare()
    assert not (journal.folder / files.NEXT).exists()
    journal.prepare()
    assert not (journal.folder / files.NEXT).exists()


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("before", [True, False])
def test_closed_by_a_handler_in_the_midst_of_a_call_what_that_takes_is_kept(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, *, before: bool, write: bool
) -> None:
    """It gave the row's room back while the row was being written."""
    whole = files.put
    journal.append(EVENTS, rows(0, 1), write=write)

    def closed(*given: Any) -> None:
        if before:
            journal.close()
        whole(*given)
        journal.close()

    monkeypatch.setattr(files, "put", closed)
    journal.append(EVENTS, rows(1, 1))
    monkeypatch.undo()
    assert journal.closed
    assert read(Log(journal.folder), "events") == rows(0, 2)
    with pytest.raises(JournalClosed):
        journal.append(EVENTS, rows(2, 1))


def test_written_out_by_a_handler_in_the_midst_of_a_call_nothing_is_counted_twice(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = files.put

    def flushed(*given: Any) -> None:
        journal.write_out()
        whole(*given)
        journal.write_out()

    monkeypatch.setattr(files, "put", flushed)
    for number in range(50):
        journal.append(EVENTS, rows(number, 1), write=number % 3 == 0)
    assert read(dead(journal), "events") == rows(0, 50)


def test_synced_by_a_handler_in_the_midst_of_a_sync_it_does_not_wait_for_itself(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.fdatasync
    _, upto = journal.append(EVENTS, rows(0, 1))

    def signalled(file: int) -> None:
        monkeypatch.undo()
        journal.sync(journal.append(EVENTS, rows(1, 1))[1])
        whole(file)

    monkeypatch.setattr(os, "fdatasync", signalled)
    journal.sync(upto)
    assert read(dead(journal), "events") == rows(0, 2)


def test_what_an_interrupted_append_left_is_not_read_while_its_writer_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read in the place of the next operation, it cost that one."""
    journal = Journal(tmp_path, "db")
    journal.append(EVENTS, rows(0, 1))
    put, held = files.put, Log.held

    def interrupted(*given: Any) -> None:
        put(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files, "put", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.append(EVENTS, rows(7, 1))

    def late(self: Log, *given: Any) -> bytes:
        if journal.end.segment == 0 and given[:2] == (0, 0):
            journal.append(EVENTS, rows(1, 1))
        return held(self, *given)

    cursor = Cursor(Log(journal.folder, lambda: journal.end), "events")
    cursor.seek(0)
    monkeypatch.setattr(Log, "held", late)
    found = [row for chunk in cursor.read(1 << 40, 1 << 40) for row in chunk.rows]
    assert journal.end.segment == 1
    assert found == rows(0, 2)
    journal.close()


def test_a_segment_that_is_being_reserved_is_nobodys_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who filled the one before took it without its room: a bare ValueError of the mapping."""
    journal = Journal(tmp_path, "db", segment_bytes=1 << 13)
    monkeypatch.setattr(files, "MAPPED", frozenset({journal._kind}))
    whole, taken = os.posix_fallocate, 0
    while journal._offset * 2 <= 1 << 13:
        journal.append(EVENTS, rows(taken, 1))
        taken += 1

    def slowly(file: int, start: int, size: int) -> None:
        nonlocal taken
        monkeypatch.setattr(os, "posix_fallocate", whole)
        segment = journal.end.segment
        while journal.end.segment == segment:  # its writer does not wait for it
            journal.append(EVENTS, rows(taken, 1))
            taken += 1
        whole(file, start, size)

    monkeypatch.setattr(os, "posix_fallocate", slowly)
    journal.prepare()
    while journal.end.segment < 4:
        journal.append(EVENTS, rows(taken, 1))
        taken += 1
    cursor = Cursor(Log(journal.folder), "events")
    cursor.seek(0)
    found = [row for chunk in cursor.read(1 << 40, 1 << 40) for row in chunk.rows]
    assert found == rows(0, taken)
    journal.close()
    assert not list(journal.folder.glob("*.part"))
