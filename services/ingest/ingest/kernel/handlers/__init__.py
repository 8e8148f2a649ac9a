"""Lambda entry points of the kernel watch; each translates and calls one use case."""
