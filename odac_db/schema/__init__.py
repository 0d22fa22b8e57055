"""Words: what a database can be, what a file says of it, how it can change. No I/O here."""
