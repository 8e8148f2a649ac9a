"""What the markets watch does, one operation a module; nothing here knows of Lambda."""
