"""The doors: what they translate, and how they refuse."""
