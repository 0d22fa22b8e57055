"""Pairing live objects with desired ones by what they are, not by what they are called.

A constraint made by hand, by another tool or by an earlier table name carries any name;
it still is the one the declaration asks for if its structure is. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    """An index, key or check: ``named`` is False where any name will do."""

    @property
    def name(self) -> str | None: ...
    @property
    def named(self) -> bool: ...


T = TypeVar("T", bound=Named)


@dataclass(frozen=True)
class Matched(Generic[T]):
    """``same`` are equal save perhaps for their names; ``added`` and ``dropped`` have no twin."""

    same: list[tuple[T, T]] = field(default_factory=list)
    added: list[T] = field(default_factory=list)
    dropped: list[T] = field(default_factory=list)


def matched(
    live: Sequence[T], desired: Sequence[T], structure: Callable[[T], Hashable]
) -> Matched[T]:
    """Pairs each desired object with a live one of the same structure, same name first."""
    waiting: dict[Hashable, list[T]] = {}
    for item in live:
        waiting.setdefault(structure(item), []).append(item)
    result: Matched[T] = Matched()
    unpaired = []
    for item in desired:
        twins = waiting.get(structure(item), ())
        twin = next((twin for twin in twins if twin.name == item.name), None)
        if twin is None:
            unpaired.append(item)
        else:
            waiting[structure(item)].remove(twin)
            result.same.append((twin, item))
    for item in unpaired:
        rest = waiting.get(structure(item))
        if rest:
            result.same.append((rest.pop(0), item))
        else:
            result.added.append(item)
    kept = {id(item) for items in waiting.values() for item in items}
    result.dropped.extend(item for item in live if id(item) in kept)
    return result
