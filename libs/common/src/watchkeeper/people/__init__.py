"""The people Watchkeeper works for: their devices, their reminders, and the deletion of their accounts."""
