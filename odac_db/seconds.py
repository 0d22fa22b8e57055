"""For how long something is kept, as people give it."""

from __future__ import annotations

from odac_db.errors import QueryRefused

MOST = 10 * 366 * 86_400.0
"""Ten years: longer times overflow the clocks of those who are told to keep something."""


def lifetime(given: object) -> float | None:
    """The seconds that a read is kept; None where the default is meant, by True or None.

    Raises QueryRefused as ``seconds_of`` does.
    """
    if given is None or given is True:
        return None
    return seconds_of(given, "cache: seconds to keep rows")


def seconds_of(given: object, what: str, most: float = MOST) -> float:
    """The seconds. ``what`` begins the message.

    Raises QueryRefused for what is no number, not more than 0, or more than ``most``.
    """
    if isinstance(given, int | float) and given is not True and 0 < given <= most:
        return float(given)
    refused = f"{what}, more than 0 and at most {most:.0f}, are expected, not {given!r}"
    raise QueryRefused(refused)
