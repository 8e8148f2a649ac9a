"""Batches that people share, for anybody who has the address."""
