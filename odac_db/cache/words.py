"""What a statement is by its words alone, before it is parsed. In doubt it is more than it is."""

from __future__ import annotations

import re
from typing import Literal

from odac_db.cache.functions import CLASSES, NAMES
from odac_db.cache.remembered import remembered

Sort = Literal["read", "write", "session", "begin", "commit", "rollback", "savepoint", "other"]
"""``session`` changes what later statements of the connection mean. ``other`` may be anything.

A ``read`` or ``session`` writes only by functions that it calls.
"""

_BLANK = r"(?:\s|;|\(|--[^\n]*(?:\n|$)|\#[^\n]*(?:\n|$)|/\*(?!M?!)(?>.*?\*/))*"
_FIRST = re.compile(_BLANK + r"([a-z]+)\s*([a-z]*)", re.IGNORECASE | re.DOTALL)
_WRITES = re.compile(r"\b(?:insert|update|delete|merge|into)\b|/\*M?!|;\s*\S", re.IGNORECASE)
_SORTS: dict[str, Sort] = {
    "select": "read",
    "values": "read",
    "table": "read",
    "with": "read",
    "insert": "write",
    "update": "write",
    "delete": "write",
    "merge": "write",
    "replace": "write",
    "show": "read",
    "describe": "read",
    "explain": "read",
    "declare": "read",
    "fetch": "read",
    "move": "read",
    "close": "read",
    "listen": "read",
    "unlisten": "read",
    "notify": "read",
    "lock": "read",
    "set": "session",
    "reset": "session",
    "discard": "session",
    "pragma": "session",
    "use": "session",
    "begin": "begin",
    "commit": "commit",
    "end": "commit",
    "rollback": "rollback",
    "abort": "rollback",
    "savepoint": "savepoint",
    "release": "savepoint",
}


_DEFINING = frozenset(
    """
    alter analyze cluster comment copy create drop explain grant optimize refresh reindex rename
    revoke truncate vacuum
    """.split()
)
_HARMLESS_PRAGMAS = re.compile(
    r"\s*pragma\s+(?:\w+\.)?(?:table_x?info|table_list|foreign_key_list|foreign_keys|index_x?info|"
    r"index_list|busy_timeout|journal_mode|synchronous|cache_size|mmap_size|temp_store|"
    r"wal_\w+|optimize|integrity_check|quick_check|foreign_key_check|user_version|data_version|"
    r"page_\w+|freelist_count|database_list|compile_options|function_list)\b[^;]*;?\s*$",
    re.IGNORECASE,
)
_HARMLESS = {
    "explain": re.compile(r"(?!.*\banaly[sz]e\b)", re.DOTALL),
    "describe": re.compile(r"(?!.*\banaly[sz]e\b)", re.DOTALL),
    "declare": re.compile(r"declare\s[^(]*\bcursor\b.*\bfor\b", re.DOTALL),
    "lock": re.compile(r"lock\s+(?:table\s+)?[\w.\"*,\s]+\Z(?<!read)(?<!write)(?<!local)"),
}
"""What these have to look like to be a read. MySQL's LOCK TABLES commits, and EXPLAIN ANALYZE
executes."""
_ASIDE = frozenset("explain describe declare fetch move close listen unlisten notify lock".split())
_CALL = re.compile(r"(\.?)[\"`]?\b(\w+)[\"`]?\s*\(")
_NO_CALLS = frozenset(
    """
    all and any array as between by case char check columns cross decimal distinct else end except
    filter from full group having in inner intersect interval into is join key lateral left like
    limit materialized nchar not numeric nvarchar offset on or order outer over partition precision
    primary recursive references returning right row rows select set some then time timestamp
    timestamptz unbounded union unique using values varbinary varchar when where window with within
    """.split()
)
_EVERYWHERE = frozenset(
    "cume_dist dense_rank first_value last_value now nth_value row_number".split()
)
_KNOWN = NAMES | _NO_CALLS | _EVERYWHERE | {name.lower() for name in CLASSES}
_SETS = re.compile(
    r"set_config|;\s*(?:set|reset|discard|use|pragma|call|do|prepare|lock|create)\b", re.IGNORECASE
)
_TEMPORARY = re.compile(r"\b(?:temp(?:orary)?|pg_temp(?:_\d+)?)\b", re.IGNORECASE)
_INTO = re.compile(r"\binto\b", re.IGNORECASE)
_RUNS = re.compile(r"\b(?:trigger|view|rule)\b", re.IGNORECASE)
_SEVERAL = re.compile(r";\s*\S")


def _looks_harmless(first: str, sql: str) -> bool:
    looks = _HARMLESS.get(first)
    return looks is None or looks.match(sql.lower().strip(" \n\t;")) is not None


@remembered
def leaves_session(sql: str) -> bool:
    """Whether later statements mean the same after it, for a statement that may be anything."""
    found = _FIRST.match(sql)
    known = found is not None and found[1].lower() in _DEFINING
    return known and _TEMPORARY.search(sql) is None and re.search(r";\s*\S", sql) is None


def names_temporary(sql: str) -> bool:
    """Whether it may make something of this session alone, for a statement that may be anything."""
    return _TEMPORARY.search(sql) is not None


def defines_runs(sql: str) -> bool:
    """The same of what runs, or is written through, when something else is written."""
    return _RUNS.search(sql) is not None


def _selects_into_temporary(sql: str) -> bool:
    """SELECT INTO, which looks like a write."""
    if _INTO.search(sql) is None or _TEMPORARY.search(sql) is None:
        return False
    first = _FIRST.match(sql)
    writes = first is not None and _SORTS.get(first[1].lower()) == "write"
    return not writes or _SEVERAL.search(sql) is not None


@remembered
def ends_with_transaction(sql: str) -> bool:
    """Whether what it changes of the session is as before when the transaction ends."""
    if _SEVERAL.search(sql) or _selects_into_temporary(sql):
        return False
    if re.match(r"\s*set\s+local\b", sql, re.IGNORECASE):
        return True
    calls = re.findall(r"set_config\s*\(([^()]*)\)", sql, re.IGNORECASE)
    if not calls or len(calls) != sql.lower().count("set_config"):
        return False  # arguments with parentheses are not looked into
    return all(re.search(r",\s*true\s*$", one, re.IGNORECASE) for one in calls)


@remembered
def changes_session(sql: str) -> bool:
    """Whether later statements may mean something else, whatever else this one does."""
    if sort_of(sql) == "session" or _SETS.search(sql) is not None:
        return True
    return _selects_into_temporary(sql)


@remembered
def may_call(sql: str) -> bool:
    """Whether it names a function that may be somebody's own, as far as words tell."""
    return any(dot or name.lower() not in _KNOWN for dot, name in _CALL.findall(sql))


@remembered
def sort_of(sql: str) -> Sort:
    """What the statement is. A read that names a writing word is a write until it is parsed."""
    found = _FIRST.match(sql)
    if found is None:
        return "other"
    first, second = found[1].lower(), found[2].lower()
    sort = _SORTS.get(first, "other")
    if first == "start" and second == "transaction":
        sort = "begin"
    if sort == "rollback" and re.search(r"\bto\b", sql, re.IGNORECASE):
        sort = "savepoint"
    if second == "prepared" or (sort == "session" and "autocommit" in sql.lower()):
        return "other"
    several = re.search(r";\s*\S", sql) is not None or re.search(r"/\*M?!", sql) is not None
    if first == "pragma" and _HARMLESS_PRAGMAS.match(sql):
        return "read"
    if first in _ASIDE:
        return "read" if not several and _looks_harmless(first, sql) else "other"
    if sort == "read":
        if _WRITES.search(sql):
            return "write"
        return "session" if "set_config" in sql.lower() else "read"
    return "other" if several and sort != "write" else sort
