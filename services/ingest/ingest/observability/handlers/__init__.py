"""Lambda entry points of the observability watch; each translates and calls one use case."""
