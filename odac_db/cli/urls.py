"""Database urls: built from parts, spelt one way, and refused where they would mislead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from odac_db.cli.errors import UsageProblem

_ALIASES = {
    "postgres": "postgresql",
    "pg": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mariadb",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
}
_PARTS = ("type", "dialect", "host", "port", "user", "password", "database", "filename")
_PORT = re.compile(r"(?:\[[^\]]*\]|[^:/?]*):([^/?]+)")


def url_from_parts(parts: Mapping[str, Any]) -> str:
    """One url from type, host (127.0.0.1 if left out), port, user, password, database.

    SQLite has a filename, or a database, and nothing else. Values are escaped here, so a
    password is written as it is. Raises ``ValueError`` for what makes no url.
    """
    unknown = sorted(set(parts) - set(_PARTS))
    if unknown:
        raise ValueError(f"no key {unknown[0]!r}; a connection has {', '.join(_PARTS)}")
    kind = str(parts.get("type") or parts.get("dialect") or "")
    scheme = _ALIASES.get(kind.lower())
    if scheme is None:
        raise ValueError(f"type {kind!r} is none of {', '.join(_ALIASES)}")
    if scheme == "sqlite":
        filename = parts.get("filename") or parts.get("database")
        if not filename:
            raise ValueError("an SQLite connection needs a filename")
        return f"sqlite:///{filename}"
    return f"{scheme}://{_userinfo(parts)}{_place(parts)}/{_escaped(parts.get('database') or '')}"


def _userinfo(parts: Mapping[str, Any]) -> str:
    user, password = parts.get("user"), parts.get("password")
    if user is None:
        if password is not None:
            raise ValueError("a password without a user")
        return ""
    return _escaped(user) + (f":{_escaped(password)}" if password is not None else "") + "@"


def _place(parts: Mapping[str, Any]) -> str:
    host = str(parts.get("host") or "127.0.0.1")
    if "/" in host:
        raise ValueError("a socket's path cannot be a host; write a url with ?host= instead")
    if ":" in host:
        host = f"[{host}]"
    port = parts.get("port")
    if port is None:
        return host
    if not str(port).isdecimal():
        raise ValueError(f"port {port!r} is not a number")
    return f"{host}:{port}"


def _escaped(value: object) -> str:
    return quote(str(value), safe="")


def checked_url(url: str) -> str:
    """``url`` with its scheme spelt as SQLAlchemy knows it (postgres:// is postgresql://).

    Raises ``UsageProblem`` for an unescaped ``@`` in the password (the rest of it would be
    taken for the host and turn up in the error about that) and for a port that is none.
    """
    scheme, colon, rest = url.partition("://")
    if not colon:
        raise UsageProblem(
            "the url has no ://; write it as postgresql://user:password@host:port/name "
            "or sqlite:///file.db"
        )
    family, plus, driver = scheme.partition("+")
    known = _ALIASES.get(family.lower(), family)
    before_query = re.split(r"\?(?=[\w.\-]+=)", rest, maxsplit=1)[0]
    if known != "sqlite" and before_query.count("@") > 1:
        raise UsageProblem(
            "the url's user or password holds an @ (or / or ?) as it is; write @ as %40, "
            "/ as %2F, ? as %3F, : as %3A and % as %25"
        )
    port = _PORT.match(rest.rpartition("@")[2] if known != "sqlite" else "")
    if port and not port.group(1).isdecimal():
        # The text is not repeated: without an @ the password stands where the port should.
        raise UsageProblem("the url's port is not a number; write user:password@host:port")
    return f"{known}{plus}{driver}://{rest}"


def absolute_url(url: str, folder: Path) -> str:
    """``url``, with a relative SQLite file taken from ``folder``, not from where one stands."""
    scheme, _, rest = url.partition("://")
    if _ALIASES.get(scheme.partition("+")[0].lower()) != "sqlite":
        return url
    path, question, query = rest.removeprefix("/").partition("?")
    if not path or path.startswith(("/", ":memory:", "file:")):
        return url
    return f"{scheme}:///{folder / path}{question}{query}"
