"""The markets watch: listed companies between their earnings."""
