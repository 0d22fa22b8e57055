"""The story ``odac-db demo`` plays: a shop, its rows, and a change that is not harmless."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from odac_db.cli.errors import NOT_IN_SYNC

if TYPE_CHECKING:
    from odac_db.cli.demo import Stage

CUSTOMERS, PRODUCTS, ORDERS = 120, 40, 400
LOST_CUSTOMER, FORGOTTEN_CUSTOMER, LOST_PRODUCT = 901, 902, 77


def story(stage: Stage) -> None:
    """Play all of it. Raises DemoFailed at the first thing that is not as told."""
    _create(stage)
    _plan_a_change(stage)
    _migrate(stage)
    _settle_the_rest(stage)
    _restore_orphans(stage)
    _pull(stage)


def _create(stage: Stage) -> None:
    stage.say("A shop: five tables, one YAML file each, and an empty SQLite file beside them.")
    stage.lay_out("first")
    stage.run("migrate")
    _expect(_value("SELECT count(*) FROM categories") == 3, "the seed rows are there")
    _fill()
    stage.say(
        f"Its application has run for a while: {CUSTOMERS} customers, {PRODUCTS} products, "
        f"{ORDERS} orders. No foreign key kept it from pointing at customers and products "
        "that do not exist."
    )
    stage.run("status")


def _plan_a_change(stage: Stage) -> None:
    stage.say(
        "The files change: a column is renamed and says so, another looks renamed but does "
        "not say so, one is gone, a text gets longer, two foreign keys and an index are new. "
        "`plan` changes nothing."
    )
    stage.lay_out("second")
    shown = stage.run("plan")
    _expect("renamed_from: phone" in shown, "the plan asks whether phone became telephone")
    _expect("--allow drop_column:products.old_code" in shown, "the plan says how to allow the drop")
    _expect(_value("SELECT count(*) FROM customers WHERE mail IS NOT NULL") == CUSTOMERS, "plan")


def _migrate(stage: Stage) -> None:
    stage.say(
        "`migrate` applies what is safe. Orphans are copied away and cleaned before their "
        "foreign key is added; what would lose data, and the open question, wait."
    )
    stage.run("migrate", expect=NOT_IN_SYNC)
    _expect(_value("SELECT count(email) FROM customers") == CUSTOMERS, "the e-mails were kept")
    _expect(_value("SELECT count(old_code) FROM products") == PRODUCTS, "old_code still holds")
    _expect(_value("SELECT count(*) FROM orders WHERE customer_id IS NULL") == 5, "nullified")
    _expect(_value("SELECT count(*) FROM order_items") == ORDERS, "orphaned items are gone")


def _settle_the_rest(stage: Stage) -> None:
    stage.say("The question is answered in the file, and the drop is allowed by name.")
    stage.edit(
        "schema/customers.yaml",
        "telephone:  {type: string, length: 20}",
        "telephone:  {type: string, length: 20, renamed_from: phone}",
    )
    stage.run("migrate", "--allow", "drop_column:products.old_code")
    _expect(_value("SELECT count(telephone) FROM customers") == CUSTOMERS, "the numbers were kept")
    stage.say("The law: the second plan is empty.")
    stage.run("plan")
    stage.run("check")


def _restore_orphans(stage: Stage) -> None:
    stage.say("No row was lost for the foreign keys. Here is what was cleaned, and when.")
    stage.run("orphans", "list")
    stage.say(
        f"Customer {LOST_CUSTOMER} turns up in a backup and is put back into the table; "
        "their orders can have their customer again. Those of customer "
        f"{FORGOTTEN_CUSTOMER} still cannot."
    )
    _run(
        "INSERT INTO customers (id, email, name) VALUES (?, 'lost@example.org', 'Lost and found')",
        [(LOST_CUSTOMER,)],
    )
    run = _value("SELECT run FROM _odac_orphans LIMIT 1")
    key = _value("SELECT constraint_name FROM _odac_orphans WHERE table_name = 'orders' LIMIT 1")
    stage.run("orphans", "restore", run, "--constraint", key, expect=NOT_IN_SYNC)
    restored = "SELECT count(*) FROM orders WHERE customer_id = ?"
    _expect(_value(restored, LOST_CUSTOMER) == 3, "the orders have their customer again")
    stage.run("orphans", "list")


def _pull(stage: Stage) -> None:
    stage.say("The other way round: schema files from the database, into another folder.")
    stage.run("pull", "--schema", "pulled")
    stage.say("They say the same as ours, so that they are in sync, too.")
    stage.run("check", "--schema", "pulled")
    stage.run("history")


def _fill() -> None:
    _run(
        "INSERT INTO customers (id, mail, name, phone) VALUES (?, ?, ?, ?)",
        [
            (n, f"customer{n}@example.org", f"Customer {n}", f"+49 30 {n:06}")
            for n in range(1, CUSTOMERS + 1)
        ],
    )
    _run(
        "INSERT INTO products (id, category_id, sku, title, price, old_code) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [
            (n, n % 3 + 1, f"SKU-{n:05}", f"Product {n}", n * 1.25, f"P{n}")
            for n in range(1, PRODUCTS + 1)
        ],
    )
    lost = [LOST_CUSTOMER] * 3 + [FORGOTTEN_CUSTOMER] * 2
    _run(
        "INSERT INTO orders (id, customer_id, status) VALUES (?, ?, 'paid')",
        [(n, n % CUSTOMERS + 1) for n in range(1, ORDERS - len(lost) + 1)]
        + [(ORDERS - n, customer) for n, customer in enumerate(lost)],
    )
    _run(
        "INSERT INTO order_items (order_id, product_id, quantity) VALUES (?, ?, ?)",
        [(n, n % PRODUCTS + 1, n % 4 + 1) for n in range(1, ORDERS + 1)]
        + [(n, LOST_PRODUCT, 1) for n in range(1, 8)],
    )


def _run(sql: str, rows: list[tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect("shop.db")) as connection, connection:
        connection.executemany(sql, rows)


def _value(sql: str, *parameters: object) -> Any:
    with closing(sqlite3.connect("shop.db")) as connection:
        return connection.execute(sql, parameters).fetchone()[0]


def _expect(holds: bool, what: str) -> None:
    if not holds:
        from odac_db.cli.demo import DemoFailed

        raise DemoFailed(f"the demo expected that {what}")
