"""The observability watch: the system itself, by its own facts. Whoever tells facts needs ``facts`` alone."""
