"""The names of the markets watch's upstreams, in metrics, sources, secrets and the budget."""

ALPACA = "alpaca"
ALPHAVANTAGE = "alphavantage"
