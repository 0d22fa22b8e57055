"""From declarations and a live database to a plan, and from a plan to a database in sync."""
