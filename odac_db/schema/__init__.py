"""Words: what a database can be, what a file says of it, and how it can change. No I/O but the files."""
