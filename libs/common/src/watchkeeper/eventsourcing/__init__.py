"""Event sourcing for any domain: aggregates whose events are kept for ever, and read models projected from them.

A command loads an aggregate from its events, lets it decide, and appends the resulting events in one transaction. They
are published from the stream of the event store's table: everything that was appended is published, and nothing else.
"""
