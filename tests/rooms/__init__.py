"""The rooms' services, on both databases."""
