"""The files of journals: made for their owner alone, locked, as long as they have to be."""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from odac_db.errors import BufferFull, BufferRefused, JournalFailed

try:
    import fcntl
except ImportError:  # no server's own platform
    fcntl = None  # type: ignore[assignment]

LOCK = "lock"
NEXT = "next.part"
RESERVING = "reserving.part"
BEGUN = "begun.part"
REGISTERED = "registered"
APPLIED = "applied"
SUFFIX = ".odj"
UNFINISHED = ".new-"

MAPPED = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs"})
"""File systems on which a mapped byte of a reserved block is never refused for want of room.

On others that would end the process by SIGBUS: there each frame is written by a call.
"""


class JournalClosed(BufferRefused):
    """Somebody else has closed the journal; the buffer has another one by now, or makes it."""


class End(NamedTuple):
    """How far a journal is written: the segment and the offset in it."""

    segment: int
    offset: int


_NETWORK = frozenset(
    "9p afs beegfs ceph cifs coda fuse.cephfs fuse.glusterfs fuse.s3fs fuse.sshfs gfs gfs2 "
    "glusterfs lustre ncpfs nfs nfs4 ocfs2 smb2 smb3 smbfs virtiofs".split()
)


def fit_folder(folder: Path, mounts: Path = Path("/proc/mounts")) -> Path:
    """The folder, made for its owner alone. Raises BufferRefused where a journal is not safe."""
    if fcntl is None:
        raise BufferRefused("the buffer needs flock, which this platform has not")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()  # of a name that nobody else tries
    except OSError as error:
        message = f"the journal's folder {folder} cannot be written: {error.strerror}"
        raise BufferRefused(message) from error
    kind = file_system(folder, mounts)
    if kind in _NETWORK:
        message = f"{folder} is on a network file system ({kind}), whose locks do not tell the dead"
        raise BufferRefused(f"{message}: use a folder on a disk of this host")
    return folder


def file_system(folder: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The kind of file system the folder is on; empty where the system does not say."""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    place = folder.resolve()
    found = ("", "")
    for line in lines:
        parts = line.split()
        if len(parts) > 2:
            point = parts[1].replace("\\040", " ")
            if place.is_relative_to(point) and len(point) >= len(found[0]):
                found = (point, parts[2])
    return found[1]


def locked(folder: Path, *, make: bool = False) -> int | None:
    """The journal's lock, held until its descriptor is closed; None if another holds it.

    The kernel gives it back when the last process with this descriptor is gone, however it
    went.
    """
    flags = os.O_RDWR | (os.O_CREAT if make else 0)
    try:
        descriptor = os.open(folder / LOCK, flags, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return None
        raise
    return descriptor


def made(path: Path, size: int) -> int:
    """A file whose bytes are on the disk already, so that writing them never meets a full one."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
    except BaseException:
        os.close(descriptor)
        path.unlink()
        raise
    return descriptor


def reserve(folder: Path, size: int) -> None:
    """The next segment's room, if it is not there. Raises BufferFull or JournalFailed."""
    try:
        if not (folder / NEXT).exists():
            os.close(made(folder / RESERVING, size))
            (folder / RESERVING).rename(folder / NEXT)  # who finds it there finds it whole
    except FileExistsError:
        return
    except OSError as error:
        raise fault(folder, error) from error


def begun(folder: Path, number: int, size: int, begin: bytes, prepared: bool) -> int:
    """A segment with what it begins with, synced before it has its name.

    ``prepared``: the one that was reserved ahead will do, if there is one.
    """
    mine = folder / BEGUN  # no name that another thread gives to what it reserves
    mine.unlink(missing_ok=True)
    if prepared and (folder / NEXT).exists():
        (folder / NEXT).rename(mine)
        file = os.open(mine, os.O_RDWR)
    else:
        file = made(mine, size)
    os.pwrite(file, begin, 0)
    os.fdatasync(file)
    mine.rename(segment_path(folder, number))
    keep_names(folder)
    return file


def mapped(file: int, size: int, kind: str) -> mmap.mmap | None:
    """The file's bytes in memory, where it is sure that reserved room is there to be written.

    What is copied into it is the kernel's at once, as by ``write``, and outlives the process.
    """
    return mmap.mmap(file, size) if kind in MAPPED else None


def let_go(file: int, held: mmap.mmap | None) -> None:
    """Of a segment, if there is one."""
    if held is not None:
        held.close()
    if file >= 0:
        os.close(file)


def put(file: int, held: mmap.mmap | None, data: bytes, offset: int) -> None:
    """Writes the bytes there, by way of the mapping if there is one. Raises OSError."""
    if held is not None:
        held[offset : offset + len(data)] = data
        return
    written = os.pwrite(file, data, offset)
    while written < len(data):
        written += os.pwrite(file, data[written:], offset + written)


def fault(folder: Path, error: OSError) -> BufferFull | JournalFailed:
    """A disk that is full is waited for; one that fails is not."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return BufferFull(f"{folder}: {error.strerror}")
    return JournalFailed(str(folder), error.strerror or str(error))


UNFINISHED_SECONDS = 60.0
"""After which a folder that nobody has locked is nobody's who is just about to lock it."""


def clear_unfinished(home: Path) -> None:
    """Removes what processes left that were killed while they made their journals."""
    for entry in list(os.scandir(home)):
        with suppress(FileNotFoundError):  # it is finished, or somebody else has removed it
            if entry.name.startswith(UNFINISHED) and _is_stale(entry):
                _clear(Path(entry.path))


def _is_stale(entry: os.DirEntry[str]) -> bool:
    return time.time() - entry.stat().st_mtime > UNFINISHED_SECONDS


def _clear(folder: Path) -> None:
    held = locked(folder)
    try:
        if held is not None or not (folder / LOCK).exists():
            for file in os.listdir(folder):
                (folder / file).unlink()
            folder.rmdir()
    finally:
        if held is not None:
            os.close(held)


def keep_names(folder: Path) -> None:
    """The names in the folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:020d}{SUFFIX}"


def segment_numbers(folder: Path) -> list[int]:
    """The segments there are, oldest first."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(name[: -len(SUFFIX)]) for name in names if name.endswith(SUFFIX))


def journal_names(home: Path) -> list[str]:
    """The journals of a folder, oldest first."""
    found = []
    for entry in list(os.scandir(home)):
        with suppress(FileNotFoundError):  # it is removed this moment
            if _is_journal(entry):
                found.append((entry.stat().st_mtime, entry.name))
    return [name for _, name in sorted(found)]


def _is_journal(entry: os.DirEntry[str]) -> bool:
    return len(entry.name) == 32 and entry.is_dir(follow_symlinks=False)
