"""Operation of a plant's database: backup and restore, upgrade, planner statistics, Citus, and metrics.

It knows which tables exist, but not what they mean; `audit` checks their content.
"""
