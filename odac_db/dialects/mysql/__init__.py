"""MySQL and MariaDB: one dialect, told apart by its features."""

from __future__ import annotations

from contextlib import nullcontext

from odac_db.dialects.base import Dialect
from odac_db.dialects.mysql.canonicalize import canonicalize
from odac_db.dialects.mysql.conversion import conversion
from odac_db.dialects.mysql.declare import declare
from odac_db.dialects.mysql.dependants import dependants
from odac_db.dialects.mysql.errors import failure, refusal
from odac_db.dialects.mysql.features import features
from odac_db.dialects.mysql.fingerprint import fingerprint
from odac_db.dialects.mysql.hazards import hazards
from odac_db.dialects.mysql.introspect import introspect
from odac_db.dialects.mysql.literals import quote
from odac_db.dialects.mysql.lock import begin, commit, rollback, try_lock, unlock
from odac_db.dialects.mysql.locking import LOCKING
from odac_db.dialects.mysql.lossy import lossy
from odac_db.dialects.mysql.reach import reach, session
from odac_db.dialects.mysql.refers import refers
from odac_db.dialects.mysql.render import render
from odac_db.dialects.mysql.resolve import resolve
from odac_db.dialects.mysql.rows import row_key, typed_row
from odac_db.dialects.mysql.script import script
from odac_db.dialects.mysql.sizes import sizes
from odac_db.dialects.mysql.transactions import is_open, start
from odac_db.dialects.mysql.upsert import insertion
from odac_db.dialects.mysql.values import value_type

MYSQL = Dialect(
    name="mysql",
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
    begin_rows=begin,
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
    names_conflicts=False,
    writes_see_newer=True,
    streams_apart=False,
)
