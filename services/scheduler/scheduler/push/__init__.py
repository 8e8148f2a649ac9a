"""Reminders are pushed to phones through Expo, and what became of them is noted."""
