"""Orphans: rows whose foreign key points nowhere. Found, copied, cleaned, put back."""
