"""The ferments watch: batches, their timelines, photos and reminders, each strictly its maker's own."""
