"""How fast it is, as a ratio to what the database itself can do, measured in one run on one machine.

    make speed                      every measurement on SQLite and on PostgreSQL; docs/speed.md and speed.json
    python -m tests.speed a c       some of them
    python -m tests.speed --help    what can be set

The *floor* is raw SQL through the plain driver that durably writes the same rows and balance changes, with nothing
looked up and nothing decided: what a measurement wrote is read back and written once more into a copy of the
database from before (`floor.py`). Project and floor take turns, so that a machine that is busy for a while slows
both. Both reach the disk: fsync on PostgreSQL, synchronous FULL on SQLite.

Each measurement runs in a process of its own (`measure.py`), so peak memory is its own too. None is a test: a time
asserted in a test says more about the machine than about the code.
"""
