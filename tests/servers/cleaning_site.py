"""Tables with orphans, and cleaning them as a plan would."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from odac_db.migrate.bookkeeping import ORPHANS, exists
from odac_db.migrate.orphans.clean import clean_orphans
from odac_db.migrate.orphans.cleaning import Cleaning
from odac_db.migrate.row_json import decode_row
from odac_db.schema.model import FkAction, ForeignKey, OrphanPolicy
from tests.servers.site import Site


def key(
    table: str,
    columns: str,
    target: str,
    *,
    on_delete: FkAction = "NO ACTION",
    match_full: bool = False,
    set_columns: tuple[str, ...] = (),
) -> ForeignKey:
    """``key("posts", "author_id", "users.id")``; several columns parted by blanks."""
    ref_table, _, refs = target.partition(".")
    own = tuple(columns.split())
    return ForeignKey(
        name=f"{table}_{'_'.join(own)}_fkey",
        columns=own,
        ref_table=ref_table,
        ref_columns=tuple(refs.split()),
        on_delete=on_delete,
        match_full=match_full,
        set_columns=set_columns,
    )


def cleaning(site: Site, batch: int = 1000, run: str = "run1", **more: Any) -> Cleaning:
    return Cleaning(
        conn=site.conn,
        dialect=site.dialect,
        features=site.features,
        live=site.live(),
        run=run,
        batch=batch,
        **more,
    )


def clean(
    site: Site, table: str, foreign_key: ForeignKey, policy: OrphanPolicy, batch: int = 1000
) -> dict[str, int]:
    with site.plan():
        return dict(clean_orphans(cleaning(site, batch), site.table(table), foreign_key, policy))


def copies(site: Site) -> list[dict[str, Any]]:
    if not exists(site.conn, ORPHANS):
        return []
    rows = site.conn.execute(select(ORPHANS).order_by(ORPHANS.c.id)).mappings()
    return [
        dict(row)
        | {"row_values": decode_row(row["row_values"]), "columns": json.loads(row["columns"])}
        for row in rows
    ]


AUTHOR = key("posts", "author_id", "users.id")


def users_and_posts(site: Site, *posts: str, not_null: bool = False) -> None:
    site.run(
        "CREATE TABLE users (id int PRIMARY KEY)",
        "INSERT INTO users VALUES (1), (2)",
        "CREATE TABLE posts (id int PRIMARY KEY, title varchar(50), author_id int"
        + (" NOT NULL)" if not_null else ")"),
        f"INSERT INTO posts VALUES {', '.join(posts)}",
    )


def family(site: Site, action: str) -> None:
    """users <- posts (to be added) <- comments (there already) <- likes (there already)."""
    users_and_posts(site, "(1, 'a', 1)", "(2, 'b', 7)")
    site.run(
        "CREATE TABLE comments (id int PRIMARY KEY, post_id int DEFAULT 1, CONSTRAINT c_fk "
        f"FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE {action})",
        "CREATE TABLE likes (id int PRIMARY KEY, comment_id int, CONSTRAINT l_fk "
        "FOREIGN KEY (comment_id) REFERENCES comments (id) ON DELETE CASCADE)",
        "INSERT INTO comments VALUES (1, 1), (2, 2), (3, 2)",
        "INSERT INTO likes VALUES (1, 1), (2, 2), (3, 3), (4, NULL)",
    )
