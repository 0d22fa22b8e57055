"""Seeds: rows that a schema file wants to be there, found by key and written when different."""

from odac_db.migrate.seeds.apply import apply_seeds
from odac_db.migrate.seeds.plan import PendingSeed, are_in, plan_seeds

__all__ = ["PendingSeed", "apply_seeds", "are_in", "plan_seeds"]
