"""How each kind of operation is announced: a sign, a few words, a colour.

The words come before the name, as in "add column slug".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from odac_db.schema.plan import Operation


class Label(NamedTuple):
    """``sign`` is + for more, ~ for changed, - for less; ``doing`` fits behind "would"."""

    sign: str
    doing: str

    @property
    def style(self) -> str:
        """The colour of the sign."""
        return {"+": "green", "~": "yellow", "-": "red"}[self.sign]


LABELS = {
    "create_enum": Label("+", "create enum"),
    "add_enum_value": Label("+", "add enum value"),
    "replace_enum": Label("~", "replace enum"),
    "rename_enum": Label("~", "rename enum"),
    "drop_enum": Label("-", "drop enum"),
    "set_enum_comment": Label("~", "comment on enum"),
    "create_table": Label("+", "create table"),
    "drop_table": Label("-", "drop table"),
    "rename_table": Label("~", "rename table"),
    "rename_column": Label("~", "rename column"),
    "add_column": Label("+", "add column"),
    "drop_column": Label("-", "drop column"),
    "alter_column": Label("~", "alter column"),
    "add_primary_key": Label("+", "add primary key"),
    "drop_primary_key": Label("-", "drop primary key"),
    "add_index": Label("+", "add index"),
    "drop_index": Label("-", "drop index"),
    "add_foreign_key": Label("+", "add foreign key"),
    "drop_foreign_key": Label("-", "drop foreign key"),
    "add_check": Label("+", "add check"),
    "drop_check": Label("-", "drop check"),
    "add_exclusion": Label("+", "add exclusion"),
    "drop_exclusion": Label("-", "drop exclusion"),
    "rename_constraint": Label("~", "rename constraint"),
    "set_table_comment": Label("~", "comment on table"),
    "set_table_options": Label("~", "set table options"),
    "set_object_comment": Label("~", "comment on"),
    "clean_orphans": Label("~", "clean orphans"),
    "backfill": Label("~", "fill"),
}


def label_of(operation: Operation) -> Label:
    """The label of an operation's kind."""
    return LABELS[operation.kind]
