"""Looking after failed work."""
