"""Lambda entry points of the markets watch; each translates and calls one use case."""

# Before pydantic: where that is imported already, Powertools' batch brings models of every event of AWS with it.
import watchkeeper.messages  # noqa: F401
