"""What of the catalog a user is shown, by its privileges.

information_schema is silent about the rest: MySQL shows triggers to those with TRIGGER, and both
servers the foreign keys of tables on which one may do something.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_GRANT = re.compile(r"(GRANT|REVOKE) (.+?) ON (?:TABLE )?(\*|`(?:[^`]|``)*`)\.(\*|`(?:[^`]|``)*`)")
_OBJECTS = frozenset({"ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "REFERENCES", "TRIGGER"})


def unseen(
    grants: Iterable[str], database: str, tables: frozenset[str], *, triggers: bool
) -> frozenset[str]:
    """The tables that may have triggers, or children by foreign keys, that are not shown.

    ``grants`` is what SHOW GRANTS says, active roles in it; ``tables`` are case-folded.
    ``triggers``: whether the server shows those to nobody but users with TRIGGER.
    """
    wanted = {"ALL PRIVILEGES", "TRIGGER"} if triggers else _OBJECTS
    whole: set[str] = set()
    single: set[str] = set()
    for line in grants:
        found = _GRANT.match(line)
        if found is None or not _covers(found[3], database):
            continue
        if found[1] == "REVOKE":
            return tables
        privileges = {one.strip() for one in found[2].split(",")}
        if found[4] == "*":
            whole |= privileges
        elif privileges & wanted:
            single.add(_name(found[4]).casefold())
    if not whole & _OBJECTS:
        return tables
    return frozenset() if whole & wanted else tables - single


def _covers(pattern: str, database: str) -> bool:
    """Whether a grant's database is this one: a name in which ``_`` and ``%`` stand for others."""
    if pattern == "*":
        return True
    written = re.findall(r"\\.|.", _name(pattern), re.DOTALL)
    wild = {"_": ".", "%": ".*"}
    expression = "".join(wild.get(one) or re.escape(one[-1]) for one in written)
    return re.fullmatch(expression, database, re.DOTALL | re.IGNORECASE) is not None


def _name(quoted: str) -> str:
    return quoted.strip("`").replace("``", "`")
