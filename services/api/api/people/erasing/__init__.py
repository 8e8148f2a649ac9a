"""Removing what belongs to a batch that was deleted, or to a person who left."""
