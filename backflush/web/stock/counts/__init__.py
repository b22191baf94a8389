"""Pages for counting: the list of counts, count entry, count sheets, what to count, accuracy."""
