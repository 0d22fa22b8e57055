"""What a change of type would do to the rows, whether there is leave for it or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from sqlalchemy import literal_column

from odac_db.dialects.conversion import Conversion
from odac_db.migrate.foreseen import Foreseen
from odac_db.migrate.preflight.look import Look, RowCheck
from odac_db.migrate.preflight.site import Site
from odac_db.migrate.selectables import Raw
from odac_db.schema.changes import AlterColumn, Change, ReplaceEnum
from odac_db.schema.plan import Finding


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, by position; ``harmless`` are changes that lose nothing of what there is."""

    findings: Mapping[int, tuple[Finding, ...]]
    harmless: frozenset[int]


def converted(site: Site, changes: Mapping[int, Change], around: Sequence[Change]) -> Converted:
    """Asks the rows about changes of type, one pass per table.

    ``around`` are the changes that are pending, for the names they give.
    """
    foreseen = Foreseen(around, site.live, site.features.namespace)
    checks: list[RowCheck] = []
    setup: list[str] = []
    harmless: set[int] = set()
    for position, change in changes.items():
        for one in _retyped(change):
            conversion = site.conversion(one)
            checks += _checks(position, one, conversion)
            setup += conversion.setup
            if conversion.harmless:
                harmless.add(position)
    found: dict[int, list[Finding]] = {}
    look = Look(site.conn, site.dialect, foreseen, setup)
    for position, finding in look.findings(checks):
        found.setdefault(position, []).append(finding)
    return Converted(
        findings={position: tuple(each) for position, each in found.items()},
        harmless=frozenset(harmless - set(found) - look.unread),
    )


def _retyped(change: Change) -> Iterator[AlterColumn]:
    match change:
        case AlterColumn():
            yield change
        case ReplaceEnum():
            for table, before, staying in change.columns:
                if staying is not None:
                    after = msgspec.structs.replace(before, enum=change.after.name)
                    yield AlterColumn(table=table, before=before, after=after)
        case _:
            return


def _checks(position: int, change: AlterColumn, conversion: Conversion) -> Iterator[RowCheck]:
    name = change.after.name
    for misfit, condition in zip(conversion.misfits, conversion.conditions, strict=True):
        yield RowCheck(
            position=position,
            table=change.table,
            kind=misfit.kind,
            condition=literal_column(f"({condition})", Raw()),
            said=f"hold {name} {misfit.said}",
            remedy="change them first" if misfit.refuses else "",
            shown=(name,),
            refuses=misfit.refuses,
        )
