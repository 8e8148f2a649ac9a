"""What belongs to people themselves: signing in, and what they own whichever watch they use."""
