"""The observability watch: commands that change its state and queries that read it, each side with its own function."""
