"""What the data will refuse or lose, read before the first write.

The conditions on single rows of one table are counted in one pass over it. Duplicates and
orphans take a pass of their own each, because they compare rows with rows. A check that
finds something takes one more statement, with a LIMIT, for its samples. What the catalog
already guarantees is not asked. Nothing is written and nothing is locked.
"""

from odac_db.migrate.preflight.asking import check
from odac_db.migrate.preflight.converting import converted
from odac_db.migrate.preflight.orphans import orphan_policy
from odac_db.migrate.preflight.site import Site

__all__ = ["Site", "check", "converted", "orphan_policy"]
