"""The table API for asyncio: the same names, awaited. Nothing is decided here.

What is synchronous runs in a greenlet, in which SQLAlchemy awaits what an asynchronous driver
does; so every query, transaction and cached read is the same code as everywhere else.
"""
