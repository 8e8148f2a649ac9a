"""What the observability watch does, one operation per module; nothing here depends on Lambda."""
