"""``python -m odac_db.cli`` is ``odac-db``."""

from odac_db.cli.main import run

if __name__ == "__main__":
    run()
