"""SQLite, from 3.37."""

from __future__ import annotations

from contextlib import nullcontext

from odac_db.dialects.base import Dialect
from odac_db.dialects.sqlite.canonicalize import canonicalize
from odac_db.dialects.sqlite.conversion import conversion
from odac_db.dialects.sqlite.declare import declare
from odac_db.dialects.sqlite.dependants import dependants
from odac_db.dialects.sqlite.errors import failure, refusal
from odac_db.dialects.sqlite.features import features
from odac_db.dialects.sqlite.fingerprint import fingerprint
from odac_db.dialects.sqlite.hazards import hazards
from odac_db.dialects.sqlite.introspect import introspect
from odac_db.dialects.sqlite.lock import begin, begin_rows, commit, rollback, try_lock, unlock
from odac_db.dialects.sqlite.locking import LOCKING
from odac_db.dialects.sqlite.lossy import lossy
from odac_db.dialects.sqlite.reach import reach, session
from odac_db.dialects.sqlite.refers import refers
from odac_db.dialects.sqlite.render import render
from odac_db.dialects.sqlite.resolve import resolve
from odac_db.dialects.sqlite.rows import row_key, typed_row
from odac_db.dialects.sqlite.script import script
from odac_db.dialects.sqlite.sizes import sizes
from odac_db.dialects.sqlite.spelling import quote
from odac_db.dialects.sqlite.transactions import is_open, ready, start
from odac_db.dialects.sqlite.upsert import insertion
from odac_db.dialects.sqlite.values import value_type

SQLITE = Dialect(
    name="sqlite",
    features=features,
    fingerprint=fingerprint,
    introspect=introspect,
    resolve=resolve,
    declare=declare,
    canonicalize=canonicalize,
    render=render,
    lossy=lossy,
    refers=refers,
    conversion=conversion,
    dependants=dependants,
    hazards=hazards,
    try_lock=try_lock,
    unlock=unlock,
    begin=begin,
    commit=commit,
    rollback=rollback,
    undone=nullcontext,  # a failed SELECT undoes nothing
    row_key=row_key,
    typed_row=typed_row,
    quote=quote,
    locking=LOCKING,
    begin_rows=begin_rows,
    script=script,
    start=start,
    is_open=is_open,
    refusal=refusal,
    failure=failure,
    sizes=sizes,
    reach=reach,
    session=session,
    value_type=value_type,
    insertion=insertion,
    ready=ready,
)
