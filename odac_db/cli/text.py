"""Text made fit for a terminal: no control characters, no glyph it cannot show."""

from __future__ import annotations

from datetime import datetime

_CONTROLS = {
    code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"
}
_ASCII = str.maketrans({"→": "->", "…": "...", "✓": "+", "✗": "x", "⏸": "="})


def printable(text: str) -> str:
    """``text`` with control characters spelt out, so that a name cannot steer a terminal."""
    return text.translate(_CONTROLS)


def plain_ascii(text: str) -> str:
    """``text`` with our own glyphs spelt in ASCII; other letters are the stream's concern."""
    return text.translate(_ASCII)


def counted(number: int, word: str, plural: str = "") -> str:
    """``1 table``, ``3 tables``, ``1,204 rows``."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def moment(when: datetime) -> str:
    """``2026-02-25 10:00:00 UTC``; odac-db's own times are UTC, with or without a zone."""
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
