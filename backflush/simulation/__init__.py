"""Simulated plants with faults of known place and size: the test of the audit of assumptions.

- `plant`: the plant and its faults, and what happens in it
- `scores`: what an audit found, compared with what was planted

A plant is made from a seed and settings alone, so the same ones make the same plant everywhere.
"""
