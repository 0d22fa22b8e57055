"""A little of everything that no schema file can hold, on each kind of server."""

from __future__ import annotations

TABLE = "CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, title varchar(50))"
VIEW = "CREATE VIEW titles AS SELECT title FROM posts"
BEYOND: dict[str, tuple[str, ...]] = {
    "postgresql": (
        TABLE,
        VIEW,
        "CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM posts",
        "CREATE SEQUENCE numbers",
        "CREATE DOMAIN slug AS text CHECK (VALUE <> '')",
        "CREATE TABLE events (day date NOT NULL) PARTITION BY RANGE (day)",
        "CREATE TABLE events_2026 PARTITION OF events "
        "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        "CREATE PROCEDURE emptied() LANGUAGE sql AS 'DELETE FROM posts'",
        "CREATE AGGREGATE total (integer) (sfunc = int4pl, stype = integer)",
        "CREATE FUNCTION shortened() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN new.title := left(new.title, 20); RETURN new; END $$",
        "CREATE TRIGGER shortens BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION shortened()",
    ),
    "mysql": (
        TABLE,
        VIEW,
        "CREATE PROCEDURE emptied() MODIFIES SQL DATA DELETE FROM posts",
        "CREATE FUNCTION doubled(n int) RETURNS int DETERMINISTIC RETURN 2 * n",
        "CREATE TRIGGER shortens BEFORE INSERT ON posts "
        "FOR EACH ROW SET new.title = left(new.title, 20)",
    ),
    "sqlite": (
        TABLE,
        VIEW,
        "CREATE TRIGGER shortens AFTER INSERT ON posts BEGIN "
        "UPDATE posts SET title = substr(title, 1, 20) WHERE id = new.id; END",
    ),
}
