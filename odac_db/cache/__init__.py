"""Reads served from memory or Redis that are never stale; see ``protocol`` for why."""
