"""
The sample markets: an Alpaca-like brokerage and an AlphaVantage-like vendor over one invented world of companies.

Nothing in it is real: neither companies nor tickers, figures, dates or articles.
"""

from local.upstreams.markets.control import asked
from local.upstreams.markets.world import ALPACA_KEY_ID, ALPACA_SECRET_KEY, ALPHAVANTAGE_API_KEY, Markets

__all__ = ["ALPACA_KEY_ID", "ALPACA_SECRET_KEY", "ALPHAVANTAGE_API_KEY", "Markets", "asked"]
