"""What is found out about texts, remembered within bounds that texts of any size keep."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

Rest = ParamSpec("Rest")
Found = TypeVar("Found")

LONG = 10_000  # letters
MOST, MOST_LONG = 4096, 16  # texts
MOST_NAMES = 10_000
"""Lists of tables whose names a store remembers as it has them: temporary tables go on and on."""


def remembered(
    function: Callable[Concatenate[str, Rest], Found],
) -> Callable[Concatenate[str, Rest], Found]:
    """The function, its last answers remembered: of long texts, which are bulk inserts with their
    values in them and hardly come again, only as many as one statement asks about."""
    short: Callable[..., Found] = lru_cache(maxsize=MOST)(function)
    long: Callable[..., Found] = lru_cache(maxsize=MOST_LONG)(function)

    @wraps(function)
    def found(text: str, /, *rest: Rest.args, **named: Rest.kwargs) -> Found:
        return (short if len(text) <= LONG else long)(text, *rest, **named)

    return found
