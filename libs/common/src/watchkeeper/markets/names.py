"""What the upstreams of the markets watch are called, in metrics, sources, secrets and the budget."""

ALPACA = "alpaca"
ALPHAVANTAGE = "alphavantage"
