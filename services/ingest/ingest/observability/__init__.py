"""The observability watch: the system's own facts, told, kept and judged."""
