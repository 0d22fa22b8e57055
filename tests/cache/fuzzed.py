"""A schema where tables reach each other in every way, random questions of it, random changes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from odac_db import Database, OdacDbError

METADATA = MetaData()


def _table(name: str, *columns: Column[Any]) -> Table:
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    return Table(name, METADATA, key, Column("n", Integer), *columns)


def _to(table: str, **actions: str) -> ForeignKey:
    return ForeignKey(f"{table}.id", **actions)  # type: ignore[arg-type]


USERS = _table("users", Column("boss", Integer, _to("users", ondelete="SET NULL")))
TAGS = _table("tags", Column("code", String(20), unique=True))
POSTS = _table(
    "posts",
    Column("user_id", Integer, _to("users", ondelete="CASCADE")),
    Column("tag", String(20), ForeignKey("tags.code", onupdate="CASCADE", ondelete="SET NULL")),
)
COMMENTS = _table("comments", Column("post_id", Integer, _to("posts", ondelete="CASCADE")))
LIKES = _table("likes", Column("comment_id", Integer, _to("comments", ondelete="SET NULL")))
AUDIT = _table("audit")
ALONE = _table("alone")
TABLES = [USERS, TAGS, POSTS, COMMENTS, LIKES, AUDIT, ALONE]
LINKS = [
    (POSTS, POSTS.c.user_id, USERS, USERS.c.id),
    (POSTS, POSTS.c.tag, TAGS, TAGS.c.code),
    (COMMENTS, COMMENTS.c.post_id, POSTS, POSTS.c.id),
    (LIKES, LIKES.c.comment_id, COMMENTS, COMMENTS.c.id),
]
VIEWS = {
    "written": "SELECT posts.id, users.n FROM posts JOIN users ON users.id = posts.user_id",
    "busy": "SELECT user_id AS id, count(*) AS n FROM posts GROUP BY user_id",
    "talked": "SELECT written.id, comments.n FROM written "
    "JOIN comments ON comments.post_id = written.id",
}
TRIGGER = {
    "postgresql": [
        "CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE audit SET n = n + 1; RETURN NULL; END $$",
        "CREATE TRIGGER audits AFTER DELETE ON likes FOR EACH ROW EXECUTE FUNCTION audited()",
    ],
    "mysql": [
        "CREATE TRIGGER audits AFTER DELETE ON likes FOR EACH ROW UPDATE audit SET n = n + 1"
    ],
    "sqlite": ["CREATE TRIGGER audits AFTER DELETE ON likes BEGIN UPDATE audit SET n = n + 1; END"],
}


def built(db: Database, family: str) -> None:
    """The tables with some rows, views and a trigger."""
    METADATA.create_all(db.engine)
    with db.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT")
        for name, query in VIEWS.items():
            conn.exec_driver_sql(f"CREATE VIEW {name} AS {query}")
        for statement in TRIGGER[family]:
            conn.exec_driver_sql(statement)
    db.engine.dispose()
    numbers = range(1, 6)
    db.execute(insert(USERS), [{"id": n, "n": n} for n in numbers])
    db.execute(insert(TAGS), [{"id": n, "n": n, "code": f"tag {n}"} for n in numbers])
    db.execute(insert(POSTS), [{"id": n, "n": n, "user_id": n, "tag": f"tag {n}"} for n in numbers])
    db.execute(insert(COMMENTS), [{"id": n, "n": n, "post_id": n} for n in numbers])
    db.execute(insert(LIKES), [{"id": n, "n": n, "comment_id": n} for n in numbers])
    db.execute(insert(AUDIT), {"id": 1, "n": 0})


class Questions:
    """Random SELECTs."""

    def __init__(self, chance: random.Random, family: str) -> None:
        self.chance = chance
        self.family = family

    def one(self) -> Any:
        kinds: list[Callable[[], Any]] = [
            self._plain,
            self._joined,
            self._among,
            self._counted,
            self._whether,
            self._united,
            self._common,
            self._recursive,
            self._windowed,
            self._fragment,
            self._of_view,
            self._in_words,
            self._scalar,
            self._grouped,
        ]
        return self.chance.choice(kinds)()

    def _any(self) -> Table:
        return self.chance.choice(TABLES)

    def _number(self) -> int:
        return self.chance.randint(1, 6)

    def _plain(self) -> Select[Any]:
        table = self._any()
        asked = select(table)
        return asked.where(table.c.id <= self._number()) if self.chance.random() < 0.5 else asked

    def _joined(self) -> Select[Any]:
        child, key, parent, target = self.chance.choice(LINKS)
        outer = self.chance.random() < 0.5
        joined = child.alias("c").join(parent.alias("p"), literal_column("1") == 1, isouter=outer)
        plain = child.join(parent, key == target, isouter=outer)
        if self.chance.random() < 0.3:
            return select(func.count()).select_from(joined)
        return select(child.c.id, parent.c.n).select_from(plain)

    def _among(self) -> Select[Any]:
        child, key, _, target = self.chance.choice(LINKS)
        inner = select(target).where(target.table.c.n > self._number())
        among = key.in_(inner)
        return select(child.c.id).where(~among if self.chance.random() < 0.3 else among)

    def _counted(self) -> Any:
        table = self._any()
        return select(func.count(), func.sum(table.c.n), func.max(table.c.id)).select_from(table)

    def _whether(self) -> Select[Any]:
        _, key, parent, target = self.chance.choice(LINKS)
        found = exists().where(key == target)
        return select(parent.c.id).where(~found if self.chance.random() < 0.5 else found)

    def _united(self) -> Any:
        tables = [self._any(), self._any()]
        return union_all(*[select(one.c.id, one.c.n) for one in tables])

    def _common(self) -> Any:
        table = self._any()
        inner = select(table.c.id, table.c.n).where(table.c.n < 50)
        names = ["shortened", "posts", "users", table.name]
        if self.family == "sqlite":  # which takes a CTE of its own table's name for a circle
            names = [name for name in names if name != table.name]
        named = inner.cte(self.chance.choice(names))
        return select(func.count(), func.max(named.c.n)).select_from(named)

    def _recursive(self) -> Select[Any]:
        start = select(USERS.c.id, USERS.c.boss).where(USERS.c.boss.is_(None))
        chain = start.cte("chain", recursive=True)
        below = select(USERS.c.id, USERS.c.boss).join(chain, USERS.c.boss == chain.c.id)
        whole = chain.union(below)
        return select(func.count()).select_from(whole)

    def _windowed(self) -> Select[Any]:
        table = self._any()
        rank = func.row_number().over(order_by=table.c.id)
        return select(table.c.id, rank, func.sum(table.c.n).over())

    def _fragment(self) -> Select[Any]:
        table, other = self._any(), self._any()
        hidden = text(f"id IN (SELECT id FROM {other.name} WHERE n < {self._number() * 3})")
        return select(table.c.id).where(hidden)

    def _of_view(self) -> Any:
        view = self.chance.choice(list(VIEWS))
        return text(f"SELECT count(*), max(n), sum(id) FROM {view} WHERE n < {self._number() * 5}")

    def _in_words(self) -> Any:
        table, other = self._any().name, self._any().name
        return text(
            f"SELECT a.id FROM {table} a LEFT JOIN {other} b ON b.id = a.id "
            f"WHERE b.id IS NULL OR b.n <> {self._number()}"
        )

    def _scalar(self) -> Select[Any]:
        table, other = self._any(), self._any()
        newest = select(func.max(other.alias("inside").c.n)).scalar_subquery()
        return select(table.c.id, newest)

    def _grouped(self) -> Select[Any]:
        child, key, _, _ = self.chance.choice(LINKS)
        return select(key, func.count()).select_from(child).group_by(key)


class Changes:
    """Random writes, most of them small."""

    def __init__(self, chance: random.Random, db: Database, family: str) -> None:
        self.chance, self.db, self.family = chance, db, family
        self._fresh = 1000

    def one(self) -> str:
        """Does one, and names it. What a constraint refuses is one that changes nothing."""
        kinds: list[Callable[[], Any]] = [
            self._insert,
            self._insert_many,
            self._from_select,
            self._update,
            self._update_text,
            self._delete,
            self._delete_text,
            self._retag,
            self._point,
            self._view,
            self._half_undone,
            self._undone,
            self._autocommit,
            self._replace,
        ]
        if self.family == "postgresql":
            kinds.append(self._moved)
        kind = self.chance.choice(kinds)
        try:
            kind()
        except (SQLAlchemyError, OdacDbError) as error:
            return f"{kind.__name__} refused: {type(error).__name__}"
        return kind.__name__

    def _any(self) -> Table:
        return self.chance.choice(TABLES)

    def _number(self) -> int:
        return self.chance.randint(1, 8)

    def _new(self) -> int:
        self._fresh += 1
        return self._fresh if self.chance.random() < 0.3 else self._number()

    def _values(self, table: Table) -> dict[str, Any]:
        values: dict[str, Any] = {"id": self._new(), "n": self._number()}
        for name in ("user_id", "post_id", "comment_id", "boss"):
            if name in table.c:
                values[name] = self._number() if self.chance.random() < 0.8 else None
        if "tag" in table.c:
            values["tag"] = f"tag {self._number()}"
        if "code" in table.c:
            values["code"] = f"tag {values['id']}"
        return values

    def _insert(self) -> None:
        table = self._any()
        self.db.execute(insert(table), self._values(table))

    def _insert_many(self) -> None:
        table = self._any()
        rows = {row["id"]: row for row in (self._values(table) for _ in range(3))}
        self.db.execute(insert(table), list(rows.values()))

    def _from_select(self) -> None:
        self._fresh += 100
        rows = select(self._any().alias("source").c.id + self._fresh, literal_column("5"))
        self.db.execute(insert(ALONE).from_select(["id", "n"], rows))

    def _update(self) -> None:
        table = self._any()
        self.db.execute(update(table).where(table.c.id == self._number()).values(n=table.c.n + 1))

    def _update_text(self) -> None:
        sql = text(f"UPDATE {self._any().name} SET n = n + 1 WHERE id >= :id")
        self.db.execute(sql, {"id": self._number()})

    def _delete(self) -> None:
        table = self._any()
        self.db.execute(delete(table).where(table.c.id == self._number()))

    def _delete_text(self) -> None:
        with self.db.engine.begin() as conn:
            conn.exec_driver_sql(f"DELETE FROM {self._any().name} WHERE id = {self._number()}")

    def _retag(self) -> None:
        to = f"tag {self.chance.randint(1, 20)}"
        self.db.execute(update(TAGS).where(TAGS.c.id == self._number()).values(code=to))

    def _point(self) -> None:
        where = USERS.c.id == self._number()
        self.db.execute(update(USERS).where(where).values(boss=self._number()))

    def _view(self) -> None:
        """Through a view where the server can."""
        self.db.execute(text(f"UPDATE written SET n = n + 1 WHERE id = {self._number()}"))

    def _half_undone(self) -> None:
        with self.db.transaction() as tx:
            tx.execute(update(ALONE).values(n=ALONE.c.n + 1))
            savepoint = tx.connection.begin_nested()
            tx.execute(delete(LIKES))
            savepoint.rollback()

    def _undone(self) -> None:
        with self.db.engine.connect() as conn:
            conn.execute(delete(COMMENTS))
            conn.rollback()

    def _autocommit(self) -> None:
        table = self._any()
        with self.db.engine.connect() as conn:
            conn.execution_options(isolation_level="AUTOCOMMIT")
            conn.execute(update(table).values(n=table.c.n + 1))

    def _replace(self) -> None:
        number = self._number()
        word = {
            "mysql": f"REPLACE INTO users (id, n) VALUES ({number}, 9)",
            "sqlite": f"INSERT OR REPLACE INTO users (id, n) VALUES ({number}, 9)",
            "postgresql": f"INSERT INTO users (id, n) VALUES ({number}, 9) "
            "ON CONFLICT (id) DO UPDATE SET n = users.n + 1",
        }
        self.db.execute(text(word[self.family]))

    def _moved(self) -> None:
        self._fresh += 1
        sql = (
            f"WITH gone AS (DELETE FROM comments WHERE id = {self._number()} RETURNING n) "
            f"INSERT INTO alone (id, n) SELECT {self._fresh}, n FROM gone"
        )
        self.db.execute(text(sql))
