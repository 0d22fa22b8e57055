"""Whether a foreign key may go from one column to another: always. Pure."""

from __future__ import annotations

from odac_db.schema.model import Column


def refers(child: Column, parent: Column) -> bool:
    """True: a child's value is compared with the affinity and collation of its parent.

    https://www.sqlite.org/foreignkeys.html#fk_indexes
    """
    return True
