"""A change of a column's type, as the conditions on its values see it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from odac_db.dialects.conversion import Misfit
from odac_db.dialects.mysql.column_types import CLOCKS, INTEGERS, TEXTS, column_type
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.schema.model import Column

FLOATS = ("float", "double")
EXACT = INTEGERS | {"decimal"}
NUMERIC = EXACT | {*FLOATS}
TEXTUAL = TEXTS | {"char", "varchar"}


@dataclass
class Changed:
    """One column before and after, and how SQL reads its values."""

    before: Column
    after: Column
    name: str
    features: MySQLFeatures

    def __post_init__(self) -> None:
        self.old = column_type(self.before.type, self.features.mariadb)
        self.new = column_type(self.after.type, self.features.mariadb)
        # A float is compared as what it prints: as a double it is another number.
        printed = f"(CAST({self.name} AS CHAR) + 0e0)"
        self.value = printed if self.old.name == "float" else self.name
        if self.old.name in ("json", "year", "enum", "set", "time", *CLOCKS, "date", "decimal"):
            self.text = f"CAST({self.name} AS CHAR)"
        else:
            self.text = self.name
        self.reads = self.old.name in TEXTUAL or self.old.name == "json"
        self.read = f"CAST({self.text} AS DECIMAL(65,20))"

    def out_of_range(self, condition: str) -> Misfit:
        said = f"that {self.new.text} cannot hold"
        return Misfit(kind="out_of_range", condition=condition, said=said)

    def not_castable(self, condition: str) -> Misfit:
        """A cast that fails is NULL, and so is the cast of NULL, which does not fail."""
        condition = f"{self.name} IS NOT NULL AND ({condition})"
        said = f"that cannot be read as {self.new.text}"
        return Misfit(kind="not_castable", condition=condition, said=said)

    @staticmethod
    def too_long(length: str, limit: int, what: str) -> Misfit:
        said = f"of more than {limit} {what}"
        return Misfit(kind="too_long", condition=f"{length} > {limit}", said=said)


def altered(condition: str, said: str) -> Misfit:
    return Misfit(kind="changed", condition=condition, said=said, refuses=False)
