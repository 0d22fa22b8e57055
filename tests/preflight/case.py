"""One thing that rows refuse: the files before and after, and the rows in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.behaviours.steps import Body

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """``rows`` go into table ``t``; ``finding`` is the one that blocks an operation on it.

    ``samples`` are compared without regard to their order; where there are more than five
    rows none are given, and five are expected.
    """

    name: str
    before: Body
    after: Body
    rows: Sequence[Row]
    operation: str
    finding: str
    count: int | None
    samples: Sequence[Row] = ()
    others: Mapping[str, Body] | None = None
    allow: tuple[str, ...] = ()
    on: tuple[str, ...] = ("postgresql", "mysql", "mariadb", "sqlite")

    def __str__(self) -> str:
        return self.name.replace(" ", "-")
