"""Shared by all contexts of the API: requests, responses, problems and cursors."""
