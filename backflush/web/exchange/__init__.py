"""Pages that take files in, and give the plant's tables out in the same columns."""
