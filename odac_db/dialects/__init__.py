"""Differences: everything that varies by server, and nowhere else."""
