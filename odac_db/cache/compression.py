"""Rows made smaller on their way to Redis, which is asked for more bytes than for operations.

Level 1: for rows of some kilobytes it takes ten microseconds, and a few to have them back.
"""

from __future__ import annotations

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_WORTH = 2048  # bytes
_MOST = 2**26
"""Bytes of what is compressed, so that a few in Redis cannot become more than that here."""
_LEVEL = 1
_BEGIN = b"\x28\xb5\x2f\xfd"  # no encoded rows begin so: see ``codec``


def smaller(data: bytes) -> bytes:
    """The bytes, compressed where that makes them fewer."""
    if not _WORTH <= len(data) <= _MOST:
        return data
    packed = zstd.compress(data, level=_LEVEL)
    return packed if len(packed) < len(data) else data


def whole(data: bytes) -> bytes:
    """What ``smaller`` was given. Raises ValueError for bytes that are damaged, or too many."""
    if not data.startswith(_BEGIN):
        return data
    try:
        decompressor = zstd.ZstdDecompressor()
        found = decompressor.decompress(data, max_length=_MOST)
    except zstd.ZstdError as error:
        raise ValueError("compressed rows are damaged") from error
    if not decompressor.eof:
        raise ValueError(f"compressed rows are cut off, or more than {_MOST} bytes")
    return bytes(found)
