"""The people Watchkeeper works for: their devices, their reminders, and their leaving."""
