"""The observability watch: the system watches itself through the facts it publishes. Publishers of facts need only
``facts``."""
