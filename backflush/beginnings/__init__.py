"""The beginning of a plant: its first site with its first administrator, and ready-made set-ups.

- `patterns`: the ready-made set-ups as data
- `services`: create the first site, take a ready-made set-up over
"""
