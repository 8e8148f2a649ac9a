"""Lambda entry points of the markets watch; each translates its event and calls one use case."""

# Before pydantic: if that is already imported, Powertools' batch imports models of every AWS event with it.
import watchkeeper.messages  # noqa: F401
