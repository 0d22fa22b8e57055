"""Tables in the order in which their rows may be written: what is referred to comes first."""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["parents_first"]


def parents_first(
    refers_to: Mapping[str, Collection[str]], required: Mapping[str, Collection[str]] | None = None
) -> list[str]:
    """The keys, each after all that it refers to as far as that is possible.

    The same graph gives the same order always. References to oneself and to names that
    are no keys do not matter. In a cycle the table goes first that waits for the fewest
    others, those in ``required`` before all, and the first by name among equals.
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
            ready = [min(waiting, key=lambda name: _rank(name, waiting[name], musts))]
        ordered += ready
        for name in ready:
            del waiting[name]
        for targets in waiting.values():
            targets.difference_update(ready)
    return ordered


def _rank(
    name: str, targets: Collection[str], required: Mapping[str, Collection[str]]
) -> tuple[int, int, str]:
    return len({*targets} & {*required.get(name, ())}), len(targets), name
