"""PostgreSQL 12 and newer."""

from odac_db.dialects.base import Dialect
from odac_db.dialects.postgresql.canonicalize import canonicalize
from odac_db.dialects.postgresql.conversion import conversion
from odac_db.dialects.postgresql.declare import declare
from odac_db.dialects.postgresql.dependants import dependants
from odac_db.dialects.postgresql.errors import failure, refusal
from odac_db.dialects.postgresql.features import features
from odac_db.dialects.postgresql.fingerprint import fingerprint
from odac_db.dialects.postgresql.hazards import hazards
from odac_db.dialects.postgresql.introspect import introspect
from odac_db.dialects.postgresql.lock import begin, commit, rollback, try_lock, unlock
from odac_db.dialects.postgresql.locking import LOCKING
from odac_db.dialects.postgresql.lossy import lossy
from odac_db.dialects.postgresql.naming import quote
from odac_db.dialects.postgresql.reach import reach, session
from odac_db.dialects.postgresql.reading import undone
from odac_db.dialects.postgresql.refers import refers
from odac_db.dialects.postgresql.render import render
from odac_db.dialects.postgresql.resolve import resolve
from odac_db.dialects.postgresql.rows import row_key, typed_row
from odac_db.dialects.postgresql.script import script
from odac_db.dialects.postgresql.sizes import sizes
from odac_db.dialects.postgresql.transactions import is_open, start
from odac_db.dialects.postgresql.upsert import insertion
from odac_db.dialects.postgresql.values import value_type

POSTGRESQL = Dialect(
    name="postgresql",
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
    undone=undone,
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
)
