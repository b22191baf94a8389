"""The pages, by Django's test client on both databases; `browser` tests them in a browser."""
