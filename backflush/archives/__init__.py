"""Archives: files that hold finished orders and their postings of closed periods (docs/decisions/0009-archives.md).

- `selection` marks what can be archived: whole groups of orders and postings that nothing in the database refers to
- `file_format` writes and reads the file: tables as JSON lines with their digests, chained from archive to archive
- `services` archives and restores, each in one transaction
- `read_back` opens a file as a database of its own, so that every query on the ledger also works on an archive
- `verification` checks that the files and the database together are the whole ledger

This is the only package besides `ledger` that writes the ledger's tables, and only whole rows as a file holds them.
What stays known of archived rows (numbers, keys, balances) is in `ledger.archived_numbers`.
"""
