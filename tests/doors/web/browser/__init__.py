"""The pages in chromium, served by `backflush serve` with the real security policy, in a database of their own.

Skipped without chromium; BACKFLUSH_BROWSER=required makes that a failure. BACKFLUSH_BROWSER=/path names one.
"""
