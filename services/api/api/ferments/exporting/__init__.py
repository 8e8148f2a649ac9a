"""Exporting everything a person has, as one table."""
