"""Changes as statements: one ALTER TABLE for what follows another on the same table.

DDL commits by itself here and every ALTER may copy the table, so neighbouring changes of a
table share a statement, unless a big one would pay for it. Foreign keys have statements of
their own: dropping and adding one name in a single ALTER is refused, and one that fails must
not take others along. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from odac_db.dialects.base import Rendered
from odac_db.dialects.mysql import clauses
from odac_db.dialects.mysql.alter import Clauses
from odac_db.dialects.mysql.companions import Companions
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.fill import backfill, filled, filled_up, is_unsafe, was_left_empty
from odac_db.dialects.mysql.following import follow
from odac_db.dialects.mysql.hazards import Cost, cost_of
from odac_db.dialects.mysql.ladder import online
from odac_db.dialects.mysql.literals import quote
from odac_db.dialects.mysql.rename_column import rename_clauses
from odac_db.dialects.mysql.two_steps import (
    by_way_of_text,
    materialized,
    passes_through_text,
    was_virtual,
)
from odac_db.schema.changes import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    AlterColumn,
    Backfill,
    Change,
    CleanOrphans,
    CreateTable,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    DropTable,
    RenameColumn,
    RenameConstraint,
    RenameTable,
    table_of,
)
from odac_db.schema.model import Schema, Table
from odac_db.schema.plan import Statement

replace = msgspec.structs.replace


def render(
    changes: Sequence[Change],
    current: Schema,
    target: Schema,
    features: MySQLFeatures,
    big: Collection[str] = (),
) -> Sequence[Rendered]:
    """One Rendered per change, in the order given; see ``Dialect.render``."""
    renderer = _Renderer(changes, current, target, features, big)
    for position, change in enumerate(changes):
        renderer.add(position, change)
    renderer.close()
    return [online(one, big) for one in renderer.rendered]


# What the server refuses in one ALTER TABLE: two full-text indexes (InnoDB), and a column that
# is added with a default of another that a replica might compute otherwise.
_APART = {"fulltext": "fulltext", "adds": "unsafe", "unsafe": "adds"}


class _Renderer:
    """Collects the clauses of one ALTER TABLE at a time."""

    def __init__(
        self,
        changes: Sequence[Change],
        current: Schema,
        target: Schema,
        features: MySQLFeatures,
        big: Collection[str],
    ) -> None:
        self.changes = changes
        self.features = features
        self.big = big
        self.rendered: list[Rendered] = []
        self.table = ""
        self.carrier = 0
        self.clauses: list[str] = []
        self.natures: set[str] = set()
        self.costs: set[Cost] = set()
        self.companions = Companions(changes)
        self.altering = Clauses(changes, current, target, self.companions, features)
        self.live = self.altering.live
        self.created = {
            change.table.name: position
            for position, change in enumerate(changes)
            if isinstance(change, CreateTable)
        }

    def add(self, position: int, change: Change) -> None:
        if isinstance(change, AddIndex) and change.table in self.created:
            carrier = self.created[change.table]
            self.rendered.append(Rendered(change=change, carried_by=carrier))
            return
        if position in self.companions.taken:
            carrier = self.companions.taken[position]
            self.rendered.append(Rendered(change=change, carried_by=carrier))
            return
        statements = self.own_statements(position, change)
        if statements is not None:
            self.close()
            found = tuple(Statement(sql) for sql in statements)
            self.rendered.append(Rendered(change=change, statements=found))
        else:
            self.add_clauses(position, change)
        follow(self.live, change)
        if isinstance(change, RenameColumn):
            self.altering.keep_invisible(change)

    def add_clauses(self, position: int, change: Change) -> None:
        table = table_of(change)
        nature, cost = self.nature(change), cost_of(change, self.features)
        if table != self.table or _APART.get(nature) in self.natures or self.is_dearer(cost):
            self.close()
            self.table, self.carrier = table, position
        carried_by = None if position == self.carrier else self.carrier
        self.rendered.append(Rendered(change=change, carried_by=carried_by))
        self.natures.add(nature)
        self.costs.add(cost)
        for clause in self.altering.of(change):
            if clause not in self.clauses:
                self.clauses.append(clause)
        self.clauses.extend(self.brought_along(self.companions.of(position, change), self.carrier))
        if isinstance(change, (DropPrimaryKey, DropIndex)):
            self.settle_number(position, change)

    def is_dearer(self, cost: Cost) -> bool:
        """Whether a big table would be written anew for what is done at once by itself.

        In one ALTER all goes the same way: a column that is added beside an index has every
        row written again.
        """
        costs = {*self.costs, cost}
        return self.table in self.big and len(costs) > 1 and "other" not in costs

    def nature(self, change: Change) -> str:
        """What of a change matters to what may share its statement; see ``_APART``."""
        match change:
            case AddIndex() if change.index.method == "fulltext":
                return "fulltext"
            case AddColumn():
                return "adds"
            case AlterColumn() if is_unsafe(change.after, self.features):
                return "unsafe"
            case _:
                return ""

    def settle_number(self, position: int, change: DropPrimaryKey | DropIndex) -> None:
        """A column that numbers itself cannot be without a key, not even between statements.

        Where its last key goes, dropping the column itself comes along from further down;
        where the column stays, it stops numbering and may be null.
        """
        column = self.companions.unkeyed_number(change, self.live[change.table])
        if column is None:
            return
        along = self.companions.of_number(position, change.table, column.name)
        if not along:
            plain = replace(column, identity=None, nullable=True)
            self.clauses.append(self.altering.modify(change.table, plain))
        self.clauses.extend(self.brought_along(along, self.carrier))

    def brought_along(self, positions: Sequence[int], carrier: int) -> list[str]:
        """The clauses of changes that come later, for the statement of this carrier."""
        found = []
        for at in positions:
            self.companions.taken[at] = carrier
            found.extend(self.altering.of(self.changes[at]))
            follow(self.live, self.changes[at])
        return found

    def close(self) -> None:
        """Ends the ALTER TABLE that is open, giving its statement to the first change in it."""
        if self.clauses:
            statements = [_alter(self.table, *self.clauses)]
            self.rendered[self.carrier] = replace(
                self.rendered[self.carrier],
                statements=tuple(Statement(sql) for sql in statements),
            )
        self.table, self.clauses, self.natures, self.costs = "", [], set(), set()

    def own_statements(  # noqa: C901 - one line a change
        self, position: int, change: Change
    ) -> list[str] | None:
        """The statements of a change that shares none; None for one that is a clause."""
        match change:
            case CreateTable():
                return [self.create(change.table)]
            case DropTable():
                return [f"DROP TABLE {quote(change.table.name)}"]
            case RenameTable():
                return [f"RENAME TABLE {quote(change.before)} TO {quote(change.after)}"]
            case RenameColumn():
                hidden = {name for at, name in self.altering.invisible if at == change.table}
                live = self.live[change.table]
                parts = rename_clauses(change, live, self.features, hidden)
                return [_alter(change.table, *parts)]
            case AddForeignKey():
                key = clauses.foreign_key(change.foreign_key, self.features)
                along = self.brought_along(self.companions.of(position, change), position)
                return [_alter(change.table, *along, f"ADD {key}")]
            case DropForeignKey():
                name = quote(change.foreign_key.name or "")
                return [_alter(change.table, f"DROP FOREIGN KEY {name}")]
            case RenameConstraint():  # one by one: an ALTER knows only the names from before it
                names = f"{quote(change.before)} TO {quote(change.after)}"
                return [_alter(change.table, f"RENAME INDEX {names}")]
            case CleanOrphans():
                return []
            case Backfill():
                return [backfill(change, self.live[change.table])]
            case AddColumn() if is_unsafe(change.column, self.features):
                place = self.altering.place(change.table, change.column.name)
                return filled(change, self.live[change.table], place, self.features)
            case AlterColumn() if was_left_empty(change):
                return filled_up(change, self.live[change.table], self.features)
            case AlterColumn():
                steps = self.in_two_steps(change)
                return [_alter(change.table, *step) for step in steps] if steps else None
            case _:
                return None

    def in_two_steps(self, change: AlterColumn) -> Sequence[Sequence[str]]:
        """The clauses of each ALTER TABLE where the server cannot do it in one."""
        if passes_through_text(change, self.features):
            return by_way_of_text(change, self.features)
        if was_virtual(change):
            place = self.altering.place(change.table, change.before.name)
            indexes = self.altering.indexes(change.table)
            return materialized(change, indexes, place, self.features)
        return ()

    def create(self, table: Table) -> str:
        """CREATE TABLE with the indexes that the plan adds to it later."""
        later = self.companions.added_indexes(table.name)
        return clauses.create_table(table, [*table.indexes, *later], self.features)


def _alter(table: str, *parts: str) -> str:
    return f"ALTER TABLE {quote(table)} " + ", ".join(parts)
