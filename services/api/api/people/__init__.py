"""What belongs to people themselves: signing in, and what they own independently of the watches."""
