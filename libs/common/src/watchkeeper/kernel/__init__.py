"""Patches on their way into Linux and the discussions about them."""
