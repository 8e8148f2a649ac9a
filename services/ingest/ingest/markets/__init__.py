"""The markets watch: what is traded, when it reports, what is written about it, and what it reported."""
