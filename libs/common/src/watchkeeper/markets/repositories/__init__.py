"""The tables of the markets watch's facts."""
