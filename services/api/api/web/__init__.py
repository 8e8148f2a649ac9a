"""What every context of the API shares: requests, answers, problems and cursors."""
