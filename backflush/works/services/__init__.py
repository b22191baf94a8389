"""What changes works orders and books production on them, by purpose: orders, their life, booking, producing."""
