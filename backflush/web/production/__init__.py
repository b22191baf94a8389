"""Pages for works orders and for booking what was made."""
