"""Pages for the unresolved queue: the list, the resolve panel, retry."""
