"""Data migrations: files that change rows, once, between what is added and what goes."""
