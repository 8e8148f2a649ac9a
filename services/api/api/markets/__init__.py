"""The markets watch over HTTP: assets, their fundamentals, earnings and news, and the freshness of all that."""
