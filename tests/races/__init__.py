"""Tests with several processes at once, and with processes that die."""
