"""Performance, as a ratio to raw SQL, measured in one run on one machine.

    make speed                      every measurement on SQLite and on PostgreSQL; docs/speed.md and speed.json
    python -m tests.speed a c       some of them
    python -m tests.speed --help    the options

The *floor* is raw SQL through the plain driver that durably writes the same rows and balance changes, without any
lookups or decisions: the rows that a measurement wrote are read back and written again into a copy of the earlier
database (`floor.py`). Project and floor take turns, so a temporary load of the machine slows both. Both reach the disk:
fsync on PostgreSQL, synchronous FULL on SQLite.

Each measurement runs in a separate process (`measure.py`), which also measures its peak memory. None is a test, because
times depend more on the machine than on the code.
"""
