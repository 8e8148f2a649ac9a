"""Requests that the API gateway refused before any function was invoked, taken from its access log."""
