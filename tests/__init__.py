"""The tests. Tests of behaviour run on SQLite and on PostgreSQL, in one run of pytest.

`postgres.py` starts a server, `databases.py` creates databases, `conftest.py` provides them as fixtures.
"""
