"""Pushing reminders to phones through Expo, and recording the outcome."""
