"""Running a plant's database as a whole: backup and restore, upgrade, statistics, Citus, and figures for monitoring.

It knows which tables there are, but not what they mean; `audit` checks their content.
"""
