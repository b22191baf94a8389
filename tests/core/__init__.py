"""Decisions and arithmetic, without a database."""
