"""The tables of the kernel watch's facts; the only code that knows their keys."""
