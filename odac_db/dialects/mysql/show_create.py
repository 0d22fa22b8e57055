"""SHOW CREATE TABLE, read back into the model.

The one place where the servers say everything about a table without mangling it:
information_schema doubles backslashes in expressions and loses characters beyond the BMP
(MySQL), and knows nothing of temporary tables. Pure.
"""

from __future__ import annotations

from typing import cast

from odac_db.dialects.mysql import building
from odac_db.dialects.mysql.building import METHODS, ReadColumn
from odac_db.dialects.mysql.column_types import ColumnType, column_type
from odac_db.dialects.mysql.defaults import printed, printed_clock
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import unquote_string
from odac_db.dialects.mysql.token_cursor import END, TokenCursor
from odac_db.schema.model import (
    Check,
    FkAction,
    ForeignKey,
    Index,
    IndexPart,
    PrimaryKey,
    Table,
)

_ACTIONS = ("CASCADE", "RESTRICT", "NO ACTION", "SET NULL", "SET DEFAULT")


def read_table(sql: str, features: MySQLFeatures) -> Table:
    """The table that a CREATE TABLE statement of this server makes."""
    return _Reader(sql, features).table()


class _Reader(TokenCursor):
    """Reads the statement, clause by clause."""

    def __init__(self, sql: str, features: MySQLFeatures) -> None:
        super().__init__(sql)
        self.features = features
        self.columns: list[ReadColumn] = []
        self.primary_key: PrimaryKey | None = None
        self.indexes: list[Index] = []
        self.foreign_keys: list[ForeignKey] = []
        self.checks: list[Check] = []

    def table(self) -> Table:
        while not self.accept("TABLE"):
            self.next()
        table_name = self.name()
        self.next()
        self.definition()
        while self.peek().text == ",":
            self.next()
            self.definition()
        self.next()
        options, comment = self.table_options()
        collation = options.get("collation")
        keys = tuple(sorted(self.foreign_keys, key=lambda key: key.name or ""))
        return Table(
            name=table_name,
            columns=tuple(building.column(read, collation, self.features) for read in self.columns),
            primary_key=self.primary_key,
            indexes=building.marked_implicit(self.indexes, keys),
            foreign_keys=keys,
            checks=tuple(self.checks),
            comment=comment or None,
            options=options,
        )

    def definition(self) -> None:
        """One column, key or constraint of the list."""
        if self.peek().kind == "name":
            self.columns.append(self.column())
        elif self.accept("PRIMARY", "KEY"):
            parts = self.index_parts()
            self.primary_key = PrimaryKey(columns=tuple(part.column or "" for part in parts))
            self.index_options()
        elif self.accept("CONSTRAINT"):
            self.constraint(self.name())
        elif self.accept("PERIOD"):
            self.skip_definition()
        else:
            self.index()

    def skip_definition(self) -> None:
        while self.peek().text not in (",", ")", ""):
            if self.peek().text == "(":
                self.enclosed()
            else:
                self.next()

    def column(self) -> ReadColumn:
        name = self.name()
        read = ReadColumn(name=name, kind=self.type())
        while self.peek().text not in (",", ")", ""):
            self.attribute(read)
        if read.generated is None and read.default is not None:
            read.default = printed(read.default, read.kind, self.features)
        return read

    def type(self) -> ColumnType:
        start = self.next().start
        end = self.pieces[self.at - 1].end
        while self.peek().text.lower() in ("(", "unsigned", "zerofill", "precision"):
            if self.peek().text == "(":
                self.enclosed()
            else:
                self.next()
            end = self.pieces[self.at - 1].end
        return column_type(self.sql[start:end], self.features.mariadb)

    def attribute(self, read: ReadColumn) -> None:
        if self.accept("NOT", "NULL"):
            read.nullable = False
        elif self.accept("CHARACTER", "SET"):
            read.collation = read.collation or self.features.default_collation(self.name())
        elif self.accept("COLLATE"):
            read.collation = self.name()
        elif self.accept("DEFAULT"):
            read.default = self.default()
        elif self.accept("ON", "UPDATE"):
            read.on_update = printed_clock(self.default())
        elif self.accept("COMMENT"):
            read.comment = unquote_string(self.next().text)
        elif self.accept("GENERATED", "ALWAYS", "AS"):
            expression = self.enclosed()
            read.generated = building.generated(expression, not self.accept("VIRTUAL"))
        elif self.accept("CHECK"):
            read.check = self.enclosed()
        elif self.accept("AUTO_INCREMENT"):
            read.auto_increment = True
        elif self.accept("SRID") or self.accept("COMPRESSED"):
            self.at -= 1
            word = self.next().text.lower()
            text = f"{word} {self.next().text}" if word == "srid" else word
            read.kind = read.kind._replace(text=f"{read.kind.text} {text}")
        else:
            self.next()

    def default(self) -> str:
        """The SQL of a default: a literal, a name with arguments, or an enclosed expression."""
        start = self.peek().start
        if self.peek().text in ("-", "+"):
            self.next()
        if self.peek().text == "(":
            self.enclosed()
        else:
            introducer = self.next()
            if introducer.kind == "word" and self.peek().kind == "string":
                self.next()
            while self.peek().text == ".":
                self.next()
                self.next()
            if self.peek().text == "(":
                self.enclosed()
        return self.sql[start : self.pieces[self.at - 1].end]

    def index(self) -> None:
        unique = self.accept("UNIQUE")
        method = METHODS.get(self.peek().text.upper())
        if method is not None:
            self.next()
        self.accept("KEY")
        name = self.name()
        parts = self.index_parts()
        using, comment = self.index_options()
        if using == "HASH":
            method = self.hash_method(parts, unique)
        self.indexes.append(
            Index(name=name, parts=parts, unique=unique, method=method, comment=comment)
        )

    def hash_method(self, parts: tuple[IndexPart, ...], unique: bool) -> str | None:
        """``hash`` where it is real: a unique key over whole texts on MariaDB.

        Elsewhere USING HASH is printed for the b-tree that was made all the same, or is the
        default of the engine (MEMORY).
        """
        if not self.features.mariadb:
            return None
        whole = {part.column for part in parts if part.length is None}
        texts = {read.name for read in self.columns if read.kind.name.endswith(("text", "blob"))}
        return "hash" if unique and whole & texts else None

    def index_parts(self) -> tuple[IndexPart, ...]:
        self.next()
        parts = [self.index_part()]
        while self.peek().text == ",":
            self.next()
            parts.append(self.index_part())
        self.next()
        return tuple(parts)

    def index_part(self) -> IndexPart:
        if self.peek().text == "(":
            part: dict[str, object] = {"expression": self.enclosed()}
        else:
            part = {"column": self.name()}
            if self.peek().text == "(":
                part["length"] = int(self.enclosed())
        if self.accept("DESC"):
            part["descending"] = True
        else:
            self.accept("ASC")
        return IndexPart(**part)  # type: ignore[arg-type]

    def index_options(self) -> tuple[str, str | None]:
        using, comment = "", None
        while self.peek().text not in (",", ")", ""):
            if self.accept("USING"):
                using = self.next().text.upper()
            elif self.accept("COMMENT"):
                comment = unquote_string(self.next().text)
            else:
                self.next()
        return using, comment

    def constraint(self, name: str) -> None:
        if self.accept("CHECK"):
            expression = self.enclosed()
            enforced = not self.accept("NOT", "ENFORCED")
            self.checks.append(building.check(name, expression, enforced=enforced))
            self.skip_definition()
        elif self.accept("FOREIGN", "KEY"):
            self.foreign_keys.append(self.foreign_key(name))
        else:
            self.skip_definition()

    def foreign_key(self, name: str) -> ForeignKey:
        columns = self.index_parts()
        self.accept("REFERENCES")
        ref_table = self.name()
        if self.peek().text == ".":
            self.next()
            ref_table = f"{ref_table}.{self.name()}"
        ref_columns = self.index_parts()
        actions = {"DELETE": self.features.default_action, "UPDATE": self.features.default_action}
        while self.accept("ON"):
            event = self.next().text.upper()
            actions[event] = next(a for a in _ACTIONS if self.accept(*a.split()))
        return ForeignKey(
            name=name,
            columns=tuple(part.column or "" for part in columns),
            ref_table=ref_table,
            ref_columns=tuple(part.column or "" for part in ref_columns),
            on_delete=cast(FkAction, actions["DELETE"]),
            on_update=cast(FkAction, actions["UPDATE"]),
        )

    def table_options(self) -> tuple[dict[str, str], str]:
        found: dict[str, str] = {}
        while self.peek() is not END:
            word = self.next().text.upper()
            if self.peek().text == "=":
                self.next()
                found[word] = self.next().text
        options = {"engine": building.engine_name(found.get("ENGINE", ""))}
        collation = found.get("COLLATE") or self.features.default_collation(
            found.get("CHARSET", "")
        )
        options["collation"] = collation or self.features.collation
        if "ROW_FORMAT" in found:
            options["row_format"] = found["ROW_FORMAT"].upper()
        return options, unquote_string(found["COMMENT"]) if "COMMENT" in found else ""
