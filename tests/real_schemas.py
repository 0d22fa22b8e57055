"""Schemas that nobody here designed, where they are at hand; else the one built in.

``../shared/data/FAMILY/NAME.sql`` beside the checkout: ``NAME.prelude.sql`` is loaded first,
``NAME.full.sql`` holds everything, also what a schema file cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pymysql.constants import CLIENT

from tests.fixtures.databases import LiveDatabase
from tests.laws.beyond import BEYOND
from tests.laws.folder import migrated, written
from tests.laws.kinds import kit_of
from tests.laws.rich import rich

FOLDER = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True)
class RealSchema:
    """One schema. ``family`` is whose SQL it is; "" is the built-in one, for all."""

    family: str
    name: str

    @property
    def id(self) -> str:
        return f"{self.family}-{self.name}" if self.family else self.name

    def prepare(self, database: LiveDatabase) -> None:
        """What both databases of a round trip must hold beforehand."""
        prelude = self._file("prelude.sql")
        if self.family and prelude.exists():
            load(database, prelude.read_text(encoding="utf-8"))

    def load(self, database: LiveDatabase, scratch: Path) -> None:
        if not self.family:
            migrated(database, written(rich(kit_of(database.server)), scratch))
            return
        self.prepare(database)
        load(database, self._file("sql").read_text(encoding="utf-8"))

    @property
    def has_more(self) -> bool:
        return not self.family or self._file("full.sql").exists()

    def load_everything(self, database: LiveDatabase) -> None:
        """All of it, in this database and not in the one that some views name."""
        if not self.family:
            database.execute(*BEYOND[database.family])
            return
        sql = self._file("full.sql").read_text(encoding="utf-8")
        load(database, sql.replace(f"{self.name}.", "") if self.family == "mysql" else sql)

    def _file(self, ending: str) -> Path:
        return FOLDER / self.family / f"{self.name}.{ending}"


def real_schemas() -> list[RealSchema]:
    found = [
        RealSchema(file.parent.name, file.name.removesuffix(".sql"))
        for file in sorted(FOLDER.glob("*/*.sql"))
        if file.name.count(".") == 1
    ]
    return [RealSchema("", "built in"), *found]


def load(database: LiveDatabase, sql: str) -> None:
    """Run a script as the server's own client would, in one session."""
    if database.family != "mysql":
        database.script(sql)
        return
    engine = database.engine(connect_args={"client_flag": CLIENT.MULTI_STATEMENTS})
    with engine.connect() as connected:
        connection = connected.execution_options(isolation_level="AUTOCOMMIT")
        with closing(connection.connection.cursor()) as cursor:
            for piece in delimited(sql):
                cursor.execute(piece)
                while cursor.nextset():
                    pass


def delimited(sql: str) -> Iterator[str]:
    """The parts between the client's DELIMITER lines; the server itself parts by ``;``."""
    delimiter = ";"
    for number, part in enumerate(re.split(r"(?m)^DELIMITER\s+(\S+)\s*$", sql)):
        if number % 2:
            delimiter = part
            continue
        for piece in [part] if delimiter == ";" else part.split(delimiter):
            if re.sub(r"(?m)^--.*$", "", piece).strip():
                yield piece
