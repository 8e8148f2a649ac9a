"""Scheduled work of the kernel watch."""
