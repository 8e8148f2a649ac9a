"""The observability watch: the system's own facts, published, recorded and evaluated."""
