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
_LEVEL = 1
_BEGIN = b"\x28\xb5\x2f\xfd"  # no encoded rows begin so: see ``codec``


def smaller(data: bytes) -> bytes:
    """The bytes, compressed where that makes them fewer."""
    if len(data) < _WORTH:
        return data
    packed = zstd.compress(data, level=_LEVEL)
    return packed if len(packed) < len(data) else data


def whole(data: bytes) -> bytes:
    """What ``smaller`` was given. Raises ValueError for bytes that are damaged."""
    if not data.startswith(_BEGIN):
        return data
    try:
        return zstd.decompress(data)
    except zstd.ZstdError as error:
        raise ValueError("compressed rows are damaged") from error
