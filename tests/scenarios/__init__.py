"""Stories from the shop floor."""
