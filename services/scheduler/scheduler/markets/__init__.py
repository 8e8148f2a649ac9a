"""Scheduled work of the markets watch: choosing assets to pollenate, and checking coverage and freshness."""
