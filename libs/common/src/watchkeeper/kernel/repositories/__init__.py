"""Where the kernel watch keeps its facts; the only code that knows the tables' keys."""
