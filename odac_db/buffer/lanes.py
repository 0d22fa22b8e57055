"""Lanes: groups of tables that foreign keys connect. Pure.

Order holds within a lane, because a row may need another one; between lanes nothing does.
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import NamedTuple

from odac_db.schema.model import Table


class Lanes(NamedTuple):
    """The lane of each table, and the tables of all lanes in an order for inserts.

    ``rank``: parents have a lower one. ``chained`` tables refer to themselves, directly or
    by way of others: their rows go in as they came.
    """

    of: Mapping[str, str]
    rank: Mapping[str, int]
    chained: frozenset[str]


def lanes(tables: Mapping[str, Table]) -> Lanes:
    """The lanes of a schema; one is called by the first of its tables' names."""
    parents = {
        name: {key.ref_table for key in table.foreign_keys if key.ref_table in tables}
        for name, table in tables.items()
    }
    leader = {name: name for name in tables}

    def lead(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for name, found in parents.items():
        for parent in found:
            first, second = sorted((lead(name), lead(parent)))
            leader[second] = first
    reach = {name: _reached(name, parents) for name in tables}
    circle = {name: frozenset(one for one in reach[name] if name in reach[one]) for name in tables}
    chained = frozenset(name for name, found in circle.items() if found)
    return Lanes({name: lead(name) for name in tables}, _ranked(parents, circle), chained)


def _reached(name: str, parents: Mapping[str, set[str]]) -> set[str]:
    """All that the table refers to, directly or by way of others."""
    found: set[str] = set()
    waiting = list(parents[name])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += parents[one]
    return found


def _ranked(
    parents: Mapping[str, set[str]], circle: Mapping[str, frozenset[str]]
) -> dict[str, int]:
    """Parents before children; tables of one circle have the same rank."""
    leader = {name: min({name, *circle[name]}) for name in parents}
    graph: dict[str, set[str]] = {leader[name]: set() for name in parents}
    for name, found in parents.items():
        graph[leader[name]] |= {leader[parent] for parent in found} - {leader[name]}
    rank = {name: place for place, name in enumerate(TopologicalSorter(graph).static_order())}
    return {name: rank[leader[name]] for name in parents}
