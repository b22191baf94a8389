"""The pages: by Django's client on both databases, and in `browser` as a person sees them."""
