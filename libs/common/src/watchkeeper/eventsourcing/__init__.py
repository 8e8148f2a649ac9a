"""Event sourcing for any domain: aggregates whose events are kept for ever, and read models made of them.

A command loads an aggregate from its events, lets it decide, and appends what it decided in one transaction. The
event store's table stream is what publishes: nothing that was appended goes untold, and nothing is told that was not.
"""
