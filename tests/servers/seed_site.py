"""Tables made from declarations, and their seeds sown as a migrate would."""

from __future__ import annotations

from typing import Any

import msgspec

from odac_db.migrate.leave import Leave
from odac_db.migrate.run import Runner
from odac_db.migrate.seeds import apply_seeds, plan_seeds
from odac_db.schema.declaration import (
    ColumnDeclaration,
    Declarations,
    Source,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.files.migrations import MigrationFile
from tests.servers.site import Site

Columns = dict[str, ColumnDeclaration]


def column(type: str, **more: Any) -> ColumnDeclaration:  # noqa: A002 - the file's own word
    return ColumnDeclaration(type=type, **more)


def table(name: str, columns: Columns, seed_key: Any, *rows: dict[str, Any]) -> TableDeclaration:
    body = TableFile(columns=columns, seed_key=seed_key, seed=rows)
    return TableDeclaration(name=name, body=body, source=Source(file=f"{name}.yaml"))


def declared(*tables: TableDeclaration) -> Declarations:
    return Declarations(tables={each.name: each for each in tables})


class Fixed:
    """Declarations as they are, without files."""

    def __init__(self, declarations: Declarations) -> None:
        self.declarations = declarations

    def migrations(self) -> tuple[MigrationFile, ...]:
        return ()

    def digest(self) -> str:
        return ""

    def read(self) -> Declarations:
        return self.declarations


def make(site: Site, declarations: Declarations) -> None:
    """The tables, without their seeds."""
    bare = {
        name: msgspec.structs.replace(each, body=msgspec.structs.replace(each.body, seed=()))
        for name, each in declarations.tables.items()
    }
    source = Fixed(msgspec.structs.replace(declarations, tables=bare))
    report = Runner(
        conn=site.conn,
        dialect=site.dialect,
        known_features=site.features,
        source=source,
        leave=Leave(),
    ).migrate()
    assert report.in_sync


def sow(site: Site, *tables: TableDeclaration) -> list[tuple[str, str]]:
    """Apply the seeds; afterwards nothing may be left to write."""
    declarations = declared(*tables)
    schema = site.dialect.resolve(declarations, site.features).schema
    arguments = (site.conn, site.dialect, site.features, schema, declarations)
    with site.plan() if site.features.transactional_ddl else site.nothing():
        results = apply_seeds(*arguments)
    assert [(seed.table, seed.key, seed.values) for seed in plan_seeds(*arguments)] == []
    return [(each.kind, each.key) for each in results]
