"""Tests of the rooms' services, on both databases."""
