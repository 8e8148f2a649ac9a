"""What the observability watch does, one operation a module; nothing here knows of Lambda."""
