"""Home and what every user has: the board and its blocks, search, account, background jobs."""
