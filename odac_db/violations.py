"""From whatever was raised to the constraint behind it.

A refusal arrives as the driver's exception inside SQLAlchemy's, and often inside others
that an application wraps around both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.exc import SQLAlchemyError

from odac_db.dialects.base import Dialect, Refusal
from odac_db.errors import ConstraintViolation, OdacDbError
from odac_db.schema.constraints import DeclaredConstraint, declared_constraints
from odac_db.schema.declaration import Declarations


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and all it came of, each once: wrapped, caused by, raised while handling.

    What ``raise ... from None`` hides stays hidden. Loops are walked once.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        hidden = one.__suppress_context__
        waiting += [getattr(one, "orig", None), one.__cause__, None if hidden else one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


@dataclass
class Violations:
    """Tells constraint violations of one database apart, with what its declarations say.

    ``read`` is called at the first violation and never again.
    """

    read: Callable[[], Declarations]

    def of(self, dialect: Dialect, error: SQLAlchemyError) -> ConstraintViolation | None:
        """The violation that this very error reports, or None."""
        driver = getattr(error, "orig", None)
        refusal = driver and dialect.refusal(driver, getattr(error, "statement", None) or "")
        return self._violation(refusal) if refusal else None

    def find(self, dialect: Dialect, error: BaseException) -> ConstraintViolation | None:
        """The violation an exception came of, or None. One made here has ``error`` as cause."""
        statement = ""
        for one in chain(error):
            if isinstance(one, ConstraintViolation):
                return one
            statement = getattr(one, "statement", None) or statement
            refusal = dialect.refusal(one, statement)
            if refusal is not None:
                violation = self._violation(refusal)
                violation.__cause__ = error
                return violation
        return None

    def _violation(self, refusal: Refusal) -> ConstraintViolation:
        known = self._declared(refusal)
        if known is None:
            return ConstraintViolation(
                refusal.kind, refusal.constraint, refusal.table, refusal.columns
            )
        columns = () if "expr" in known.columns else known.columns
        by_text = refusal.constraint in known.expressions
        return ConstraintViolation(
            known.kind,
            known.name or (None if by_text else refusal.constraint),
            refusal.table or known.table,
            refusal.columns or columns,
            code=known.code,
        )

    def _declared(self, refusal: Refusal) -> DeclaredConstraint | None:
        """The one declared constraint this can be: by its name, else by its columns."""
        here = [one for one in self._known if _fits(one, refusal)]
        name = refusal.constraint
        if name is not None:
            called = [one for one in here if one.is_called(name)]
            if called:
                return _only(called)
        if refusal.columns:
            return _only([one for one in here if _folded(one.columns) == _folded(refusal.columns)])
        if refusal.kind == "primary_key":  # a table has one
            return _only([one for one in here if one.kind == "primary_key"])
        return None

    @cached_property
    def _known(self) -> tuple[DeclaredConstraint, ...]:
        try:
            return declared_constraints(self.read())
        except OdacDbError:  # faulty files are migrate's to tell, not a refused row's
            return ()


def _fits(one: DeclaredConstraint, refusal: Refusal) -> bool:
    """Of the same table and kind; servers do not always tell a primary key from a unique one."""
    if refusal.table is not None and one.table.casefold() != refusal.table.casefold():
        return False
    keys = ("unique", "primary_key")
    return one.kind == refusal.kind or (one.kind in keys and refusal.kind in keys)


def _only(found: Sequence[DeclaredConstraint]) -> DeclaredConstraint | None:
    """The one with a code, where the same thing is declared twice; None for a choice."""
    coded = [one for one in found if one.code is not None]
    if len(coded) == 1 or len(found) == 1:
        return (coded or found)[0]
    same = {(one.kind, one.table, one.columns) for one in found}
    return found[0] if len(same) == 1 and not coded else None


def _folded(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(column.casefold() for column in columns)
