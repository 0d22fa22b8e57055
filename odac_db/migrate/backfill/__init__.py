"""NULLs of a column that is to be NOT NULL are replaced by its default, in batches."""
