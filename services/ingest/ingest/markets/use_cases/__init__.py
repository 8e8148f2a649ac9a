"""The use cases of the markets watch, one per module; nothing here depends on Lambda."""
