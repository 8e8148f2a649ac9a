"""What the upstreams of the markets watch are called, in metrics, sources and secrets."""

ALPACA = "alpaca"
ALPHAVANTAGE = "alphavantage"
