"""Putting away what is old, closed and finished: from the database into a file, and back.

    choosing    what may go: whole groups of orders and postings that refer to nothing that stays
    filing      the file: plain tables in JSON lines, each with its digest, chained from archive to archive
    reading     a file opened as a database of its own, so that everything that reads the ledger reads it too
    services    archive, and bring back
    proving     that files and database together are still the whole ledger

The ledger's rows are written and taken away here only as a whole: row for row what a file holds, in one transaction.
What is known of them afterwards is kept by the ledger (`ledger/archives.py`). See docs/decisions/0009.
"""
