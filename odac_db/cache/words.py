"""What a statement is by its words alone, before it is parsed. In doubt it is more than it is."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Sort = Literal["read", "write", "session", "begin", "commit", "rollback", "savepoint", "other"]
"""``session`` changes what later statements of the connection mean. ``other`` may be anything."""

_BLANK = r"(?:\s|;|\(|--[^\n]*(?:\n|$)|\#[^\n]*(?:\n|$)|/\*(?![!M]).*?\*/)*"
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
_TEMPORARY = re.compile(r"\btemp(?:orary)?\b", re.IGNORECASE)


@lru_cache(maxsize=4096)
def leaves_session(sql: str) -> bool:
    """Whether later statements mean the same after it, for a statement that may be anything."""
    found = _FIRST.match(sql)
    known = found is not None and found[1].lower() in _DEFINING
    return known and _TEMPORARY.search(sql) is None and re.search(r";\s*\S", sql) is None


@lru_cache(maxsize=4096)
def ends_with_transaction(sql: str) -> bool:
    """Whether what it changes of the session is as before when the transaction ends."""
    if re.match(r"\s*set\s+local\b[^;]*$", sql, re.IGNORECASE):
        return True
    calls = re.findall(r"set_config\s*\(([^()]*)\)", sql, re.IGNORECASE)
    return bool(calls) and all(re.search(r",\s*true\s*$", one, re.IGNORECASE) for one in calls)


@lru_cache(maxsize=4096)
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
    if sort == "read" and "set_config" in sql.lower():
        return "session"
    if sort == "read":
        return "write" if _WRITES.search(sql) else "read"
    return "other" if several and sort != "write" else sort
