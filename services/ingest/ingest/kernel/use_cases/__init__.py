"""The use cases of the kernel watch, one per module; nothing here depends on Lambda."""
