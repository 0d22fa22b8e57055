"""What a change of type does to the values of a column, in the words of one server. Pure."""

from __future__ import annotations

import msgspec

from odac_db.schema.plan import FindingKind

NEVER = "(1 = 0)"


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """Values that do not survive the change.

    ``condition`` is SQL over the column. It is only computed for rows that no earlier
    misfit of the same conversion refuses, so that it may cast what those let pass.
    ``said`` follows the column's name: "that smallint cannot hold". ``refuses`` False says
    that the server makes another value of it without complaint.
    """

    kind: FindingKind
    condition: str
    said: str
    refuses: bool = True


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """The misfits of a change, and what the other values become.

    ``value`` is the SQL of the new value, for rows that nothing refuses; it need not have
    the new type, only be equal where the new values will be. ``harmless`` says that without
    misfits nothing is lost, so that no leave is needed. ``setup`` are statements that the
    conditions need, to be run within ``Dialect.undone``.
    """

    value: str
    misfits: tuple[Misfit, ...] = ()
    harmless: bool = False
    setup: tuple[str, ...] = ()

    def guarded(self, sql: str, otherwise: str, before: int | None = None) -> str:
        """``sql`` where none of the first ``before`` misfits refuses, else ``otherwise``."""
        refusing = [each.condition for each in self.misfits[:before] if each.refuses]
        if not refusing:
            return sql
        cases = " ".join(f"WHEN ({condition}) THEN {otherwise}" for condition in refusing)
        return f"(CASE {cases} ELSE {sql} END)"

    @property
    def conditions(self) -> tuple[str, ...]:
        """The condition of each misfit, for any row."""
        return tuple(
            self.guarded(each.condition, NEVER, place) for place, each in enumerate(self.misfits)
        )
