"""The tests. Behaviour against real servers; how to get them is in ``conftest``."""
