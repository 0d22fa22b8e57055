"""Plans and reports as a reader sees them: a tree of tables, then one line that sums up.

A terminal gets colours and lines wrapped under their branch; anything else gets whole
lines and no colours. Streams that cannot show our glyphs get ASCII ones.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from odac_db.cli.labels import label_of
from odac_db.cli.text import counted, plain_ascii, printable
from odac_db.schema.changes import Change, CreateTable
from odac_db.schema.drift import Drift
from odac_db.schema.model import Column, Unsupported
from odac_db.schema.plan import Hazard, Operation, Plan, Report

_MARKS = {"applied": ("✓", "green"), "held_back": ("⏸", "yellow"), "blocked": ("✗", "red")}
_UNWRAPPED = 1_000_000


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Rich would end the process itself, with an exit code of its own."""
        raise BrokenPipeError


class Output:
    """Writes answers to one stream, stdout if none is given."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        terminal = self._stream.isatty()
        self._console = _Console(
            file=self._stream,
            width=None if terminal else _UNWRAPPED,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._ascii = self._console.options.ascii_only

    def line(self, *parts: str | tuple[str, str]) -> None:
        """One line of text, or of (text, style) pairs."""
        self._console.print(self._text(*parts), soft_wrap=True)

    def raw(self, text: str) -> None:
        """Text for other programs (SQL, JSON): as it is, never wrapped or coloured."""
        self._stream.write(text if text.endswith("\n") else text + "\n")

    def json(self, value: Any) -> None:
        """``value`` as indented JSON."""
        text = json.dumps(value, indent=2, ensure_ascii=self._ascii)
        self.raw(text)

    def plan(self, plan: Plan, *, title: str = "") -> None:
        """What a migrate would do, and one line that sums it up."""
        self._title(title)
        self._drift(plan.drift)
        self._operations(plan.operations)
        self._files(plan.files, ("▸ run ", "cyan"))
        self._left_alone(plan.unsupported, _unpruned(plan.undeclared, plan.operations))
        self.line(*verdict(plan))

    def report(self, report: Report, *, title: str = "") -> None:
        """What a migrate did, what is left, and one line that sums it up."""
        self._title(title)
        self._drift(report.drift)
        self._operations((*report.applied, *report.remaining))
        self._files(report.files, ("✓ ran ", "green"))
        self._cleaned(report)
        inserted = sum(seed.kind == "seed_insert" for seed in report.seeds)
        if report.seeds:
            updated = len(report.seeds) - inserted
            self.line(("✓ ", "green"), f"seeds: {inserted:,} inserted, {updated:,} updated")
        self._left_alone(report.unsupported, _unpruned(report.undeclared, report.remaining))
        self.line(*report_verdict(report))

    def unsupported(self, items: Sequence[Unsupported]) -> None:
        """What the server holds and schema files cannot, by kind and then by name."""
        if not items:
            return
        tree = self._tree((f"unsupported, left alone: {_kinds(items)}", "dim"))
        for item in items:
            name = ".".join(part for part in (item.table, item.name) if part)
            detail = f": {item.detail}" if item.detail else ""
            tree.add(self._text((f"{item.kind} {name}{detail}", "dim")))
        self._console.print(tree)

    def _title(self, title: str) -> None:
        if title:
            self.line((title, "bold underline"))

    def _drift(self, drift: Drift) -> None:
        if drift.actual:
            self.line((f"since the last migrate somebody else {by_others(drift)}", "yellow"))

    def _operations(self, operations: Sequence[Operation]) -> None:
        for table, group in _by_table(operations).items():
            tree = self._tree((table or "types", "bold"))
            told = ""
            for operation in _cleaning_first(group):
                again = bool(told) and operation.reason == told
                reason = "as above" if again else operation.reason
                self._add_operation(tree, operation, reason, _costs(operation, operations))
                told = operation.reason
            self._console.print(tree)

    def _files(self, names: Sequence[str], mark: tuple[str, str]) -> None:
        """Data migrations: between what the operations add and what they refuse or drop."""
        for name in names:
            self.line(mark, name)

    def _cleaned(self, report: Report) -> None:
        if not report.orphans:
            return
        total = counted(sum(report.orphans.values()), "orphan")
        tables = ", ".join(f"{rows:,} of {table}" for table, rows in report.orphans.items())
        command = f"odac-db orphans restore {report.run}"
        self.line(("✓ ", "green"), f"{total} cleaned and kept ({tables})")
        self.line("  ", (command, "bold"), " puts back what the foreign keys allow by then")

    def _add_operation(
        self, tree: Tree, operation: Operation, reason: str, costs: Sequence[Hazard]
    ) -> None:
        branch = tree.add(self._text(*headline(operation)))
        columns = _columns_of(operation.change)
        if columns:
            branch.add(self._text((columns, "dim")))
        if operation.status == "pending" and operation.goes_on:
            branch.add(self._text(("goes on behind the transaction, nobody waits for it", "dim")))
        if operation.status != "applied":
            for hazard in costs:
                branch.add(self._text((f"{hazard.code}: {hazard.message}", "dim")))
        for finding in operation.findings:
            if finding.message not in operation.reason:
                branch.add(self._text((finding.message, "yellow")))
        for line in reason.splitlines():
            branch.add(self._text((line, _MARKS.get(operation.status, ("", "dim"))[1])))

    def _left_alone(self, unsupported: Sequence[Unsupported], undeclared: Sequence[str]) -> None:
        self.unsupported(unsupported)
        if undeclared:
            names = ", ".join(undeclared)
            tables = counted(len(undeclared), "table")
            self.line((f"no file declares {tables}, left alone: {names}", "dim"))

    def _tree(self, label: str | tuple[str, str]) -> Tree:
        return Tree(self._text(label), guide_style="dim")

    def _text(self, *parts: str | tuple[str, str]) -> Text:
        return Text.assemble(
            *(
                self._shown(part) if isinstance(part, str) else (self._shown(part[0]), part[1])
                for part in parts
            )
        )

    def _shown(self, text: str) -> str:
        return plain_ascii(printable(text)) if self._ascii else printable(text)


def by_others(drift: Drift) -> str:
    """What somebody did in the database without odac-db: "altered posts; dropped tags"."""
    done: dict[str, list[str]] = {}
    for each in drift.actual:
        name = each.name if each.what == "table" else f"{each.what} {each.name}"
        done.setdefault(each.change, []).append(name)
    return "; ".join(f"{change} {', '.join(names)}" for change, names in done.items())


def headline(operation: Operation) -> list[str | tuple[str, str]]:
    """An operation in one line below its table: mark, what it does, to what, rows."""
    label = label_of(operation)
    mark, style = _MARKS.get(operation.status, (label.sign, label.style))
    parts: list[str | tuple[str, str]] = [(f"{mark} ", style), label.doing]
    what = _without_table(operation.summary, operation.table)
    if what:
        named = operation.name and what.startswith(operation.name)
        name = operation.name if named else ""
        parts += [" ", (name, "bold"), what[len(name) :]]
    if operation.rows is not None:
        parts.append((f"  ({counted(operation.rows, 'row')})", "dim"))
    return parts


def _without_table(summary: str, table: str) -> str:
    """The branch of the tree says which table; a summary starts with it too."""
    if summary == table:
        return ""
    for separator in (".", ": ", " "):
        if table and summary.startswith(f"{table}{separator}"):
            return summary[len(table) + len(separator) :]
    return summary


def _by_table(operations: Iterable[Operation]) -> dict[str, list[Operation]]:
    groups: dict[str, list[Operation]] = {}
    for operation in operations:
        groups.setdefault(operation.table, []).append(operation)
    return groups


def _cleaning_first(group: Sequence[Operation]) -> Sequence[Operation]:
    """Cleanings before the keys they are for, also where one statement carries the keys."""
    cleanings = [operation for operation in group if operation.kind == "clean_orphans"]
    others = [operation for operation in group if operation.kind != "clean_orphans"]
    keys = (n for n, operation in enumerate(others) if operation.kind == "add_foreign_key")
    first = next(keys, len(others))
    return [*others[:first], *cleanings, *others[first:]]


def _costs(operation: Operation, operations: Sequence[Operation]) -> Sequence[Hazard]:
    """Its hazards; of two that one statement does, the same one is told once."""
    if operation.status != "pending" or operation.carried_by is None:
        return operation.hazards
    carrier = operations[operation.carried_by]
    return [hazard for hazard in operation.hazards if hazard not in carrier.hazards]


def _unpruned(undeclared: Sequence[str], operations: Iterable[Operation]) -> Sequence[str]:
    """The tables no file declares that no operation drops."""
    dropped = {operation.table for operation in operations if operation.kind == "drop_table"}
    return [name for name in undeclared if name not in dropped]


def _columns_of(change: Change) -> str:
    """What a new table or column looks like, short enough for one line of a plan."""
    if isinstance(change, CreateTable):
        return ", ".join(_column(column) for column in change.table.columns)
    return ""


def _column(column: Column) -> str:
    return f"{column.name} {column.type}{'' if column.nullable else ' not null'}"


def _kinds(items: Iterable[Unsupported]) -> str:
    counts: dict[str, int] = {}
    for item in items:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    return ", ".join(counted(number, kind) for kind, number in counts.items())


def verdict(plan: Plan) -> list[str | tuple[str, str]]:
    """The last line of a plan: in sync, or what a migrate would do and what it would not."""
    if plan.in_sync:
        return [("In sync.", "green"), " Nothing to do."]
    pending = len(plan.of_status("pending"))
    would = f"Would apply {counted(pending, 'operation')}" if pending else "Would apply nothing"
    if plan.files:
        would += f" and run {counted(len(plan.files), 'data migration')}"
    return [(would, "bold"), *_left(plan.operations), "."]


def report_verdict(report: Report) -> list[str | tuple[str, str]]:
    """The last line of a migrate."""
    took = f" in {report.seconds:.2f} s" if report.applied else ""
    applied = len(report.applied)
    did = f"Applied {counted(applied, 'operation')}{took}" if applied else "Nothing to apply"
    if report.files:
        did += f"; ran {counted(len(report.files), 'data migration')}"
    if report.in_sync:
        return [f"{did}. ", ("In sync.", "green")]
    return [(did, "bold"), *_left(report.remaining), "."]


def _left(operations: Iterable[Operation]) -> list[str | tuple[str, str]]:
    counts = {"held_back": 0, "blocked": 0}
    for operation in operations:
        if operation.status in counts:
            counts[operation.status] += 1
    parts: list[str | tuple[str, str]] = []
    for status, words in (("held_back", "held back"), ("blocked", "blocked")):
        if counts[status]:
            parts += ["; ", (f"{counts[status]:,} {words}", _MARKS[status][1])]
    return parts


def by_connection(answers: Mapping[str, Any], in_sync: Mapping[str, bool]) -> Any:
    """JSON for all connections: the bare answer where there is only the default one."""
    if set(answers) == {"default"}:
        return answers["default"]
    return {"in_sync": all(in_sync.values()), "connections": dict(answers)}
