"""The tests. Those of behaviour run on SQLite and on PostgreSQL, in one run of pytest.

`postgres.py` starts a server, `databases.py` makes databases, `conftest.py`
hands them to the tests that ask.
"""
