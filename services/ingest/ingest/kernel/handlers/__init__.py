"""Lambda entry points of the kernel watch; each translates its event and calls one use case."""
