"""A plan that was approved is carried out as it is, or refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.base import Dialect, Features
from odac_db.errors import OdacDbError, PlanRefused
from odac_db.migrate.doomed import counted_again, moved
from odac_db.migrate.leave import Leave
from odac_db.migrate.look import Look
from odac_db.migrate.preflight import Site
from odac_db.schema.plan import Plan, saved
from odac_db.schema.plan_file import differences, read_plan

__all__ = ["approving", "refuse_if_moved", "refuse_if_rows_moved"]


def approving(plan: str | os.PathLike[str] | Plan, connection: str, leave: Leave) -> Leave:
    """The leave of a plan, from its file or as it was made, which is to be carried out.

    Raises PlanRefused for a file that is not as it was written, OdacDbError where leave is
    given beside the plan, which says itself what is allowed.
    """
    if leave.allow or leave.prune:
        message = "a saved plan says itself what is allowed: leave out allow and prune"
        raise OdacDbError(message)
    found = saved(plan) if isinstance(plan, Plan) else read_plan(plan, connection)
    basis = found.basis
    online = msgspec.structs.replace(leave.online, big_table=basis.big_table)
    return replace(leave, allow=basis.allow, prune=basis.prune, online=online, approved=found)


def refuse_if_moved(leave: Leave, now: Callable[[], Plan]) -> None:
    """Raises PlanRefused, saying what has moved, if the plan made now is not the approved one."""
    reasons = differences(leave.approved, saved(now())) if leave.approved else []
    if reasons:
        raise PlanRefused(reasons)


def refuse_if_rows_moved(
    leave: Leave, conn: Connection, dialect: Dialect, features: Features, look: Look
) -> None:
    """Raises PlanRefused if rows came or went, since the plan was made, where values will go."""
    if leave.approved is None or look.draft is None:
        return
    desired = look.draft.settled
    site = Site(conn=conn, dialect=dialect, features=features, live=look.live, desired=desired)
    pending = look.plan.of_status("pending")
    reasons = moved(pending, counted_again(site, pending))
    if reasons:
        raise PlanRefused(reasons)
