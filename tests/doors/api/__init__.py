"""What programs do through the API."""
