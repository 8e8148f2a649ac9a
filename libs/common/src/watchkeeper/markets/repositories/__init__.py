"""Where the facts of the markets watch are kept."""
