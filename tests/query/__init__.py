"""The table API, on every server."""
