"""Hand-made transitions: one schema becomes another, with rows, on every server."""
