"""The markets watch: assets, the earnings calendar, news, and fundamentals."""
