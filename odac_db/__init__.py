"""Schema files in, a database in sync out."""
