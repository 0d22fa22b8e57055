"""Tables in the order in which their rows may be written: what is referred to comes first."""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["parents_first"]


def parents_first(
    refers_to: Mapping[str, Collection[str]], required: Mapping[str, Collection[str]] | None = None
) -> list[str]:
    """The keys, each after all that it refers to as far as that is possible.

    The same graph gives the same order always. References to oneself and to names that
    are no keys do not matter. Of a knot of cycles, once all that it refers to is there, the
    table goes first that waits for the fewest others, those in ``required`` before all, and
    the first by name among equals.
    """
    musts = required or {}
    waiting = {
        name: {each for each in targets if each in refers_to and each != name}
        for name, targets in refers_to.items()
    }
    ordered: list[str] = []
    while waiting:
        ready = sorted(name for name, targets in waiting.items() if not targets)
        if not ready:
            ready = [min(_knot(waiting), key=lambda name: _rank(name, waiting[name], musts))]
        ordered += ready
        for name in ready:
            del waiting[name]
        for targets in waiting.values():
            targets.difference_update(ready)
    return ordered


def _knot(waiting: Mapping[str, Collection[str]]) -> set[str]:
    """Names that all refer to each other, by way of others or not, and to no name besides."""
    found = _reached(min(waiting), waiting)
    while True:
        one = min(found)
        sources: dict[str, list[str]] = {}
        for name in found:
            for target in waiting[name]:
                sources.setdefault(target, []).append(name)
        away = found - _reached(one, sources) - {one}
        if not away:
            return found
        found = _reached(min(away), waiting)


def _reached(start: str, targets: Mapping[str, Collection[str]]) -> set[str]:
    """All that can be reached from a name in one step or more."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        steps = {*targets.get(ahead.pop(), ())} - found
        found |= steps
        ahead.extend(steps)
    return found


def _rank(
    name: str, targets: Collection[str], required: Mapping[str, Collection[str]]
) -> tuple[int, int, str]:
    return len({*targets} & {*required.get(name, ())}), len(targets), name
