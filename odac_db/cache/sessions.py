"""Whether what a connection reads is what any other would: asked of its server once.

What was set past the engine decides, too: by listeners, by ALTER ROLE since the connection was
made, by functions. It is asked before rows are kept, and again after a statement that may have
called a function of somebody's own.
"""

from __future__ import annotations

from sqlalchemy import Connection
from xxhash import xxh3_128_hexdigest

from odac_db.cache.ongoing import ongoing
from odac_db.dialects import dialect_of
from odac_db.dialects.reach import Reach


def session_of(conn: Connection) -> str:
    """What decides where its names lead and how its values look."""
    return xxh3_128_hexdigest(dialect_of(conn).session(conn).encode())


def is_alike(conn: Connection, reach: Reach) -> bool:
    """Whether its rows are what others would get, who are as the catalog's reader was."""
    done = ongoing(conn)
    if done.strange:
        return False
    if done.session is None:
        with done.unnoticed():
            done.session = session_of(conn)
    return done.session == reach.session and level_of(conn) != "READ UNCOMMITTED"


def level_of(conn: Connection) -> str:
    """Its isolation. What the dialect takes for the default need not be that of each session."""
    option: str | None = conn.get_execution_options().get("isolation_level")
    done = ongoing(conn)
    if option is None and done.level is None:
        done.level = conn.get_isolation_level()
    return option or done.level or ""
