"""parents_first: what is referred to comes first, the same way every time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from odac_db.migrate.reference_order import parents_first


def test_parents_come_first_and_equals_by_name() -> None:
    graph = {"lines": ["orders", "items"], "orders": ["users"], "users": [], "items": []}
    assert parents_first(graph) == ["items", "users", "orders", "lines"]


def test_oneself_and_strangers_do_not_matter() -> None:
    assert parents_first({"b": ["b", "elsewhere"], "a": ["b"]}) == ["b", "a"]


def test_a_cycle_breaks_where_it_may() -> None:
    cycle = {"teams": ["users"], "users": ["teams"]}
    assert parents_first(cycle) == ["teams", "users"]
    assert parents_first(cycle, {"teams": ["users"]}) == ["users", "teams"]


def test_what_refers_to_a_cycle_comes_after_it() -> None:
    assert parents_first({"a": ["b"], "b": ["c"], "c": ["b"], "d": ["a"]}) == ["b", "a", "c", "d"]
    two = {"a": ["b", "x"], "b": ["a"], "x": ["y"], "y": ["x"], "z": ["z", "b"]}
    assert parents_first(two) == ["x", "y", "a", "b", "z"]


_graphs = st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdefg")))


@given(_graphs)
def test_every_name_comes_once_and_order_holds_where_there_is_no_cycle(
    graph: dict[str, list[str]],
) -> None:
    order = parents_first(graph)
    assert sorted(order) == sorted(graph)
    assert parents_first(dict(reversed(graph.items()))) == order
    for name, targets in graph.items():
        for target in targets:
            if target in graph and not _reaches(graph, target, name):
                assert order.index(target) < order.index(name)


def _reaches(graph: dict[str, list[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, [])
    return False
