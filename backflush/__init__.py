"""Backflush: book what was made, and have what must have gone into it taken out of stock by assumption."""
