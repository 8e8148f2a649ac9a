"""
Sample upstreams: a Patchwork-like REST server and a lore-like mail archive over one invented world, an Expo-like push
service, and an Alpaca-like and an AlphaVantage-like vendor over invented markets.

They need only the standard library, and imitate the known behaviour of the live services, including what
surprises clients. All mails, people, patches and companies are invented.
"""

from local.upstreams.faults import Fault, Faults
from local.upstreams.live import HWMON, LEDS, LISTS, World
from local.upstreams.markets import ALPACA_KEY_ID, ALPACA_SECRET_KEY, ALPHAVANTAGE_API_KEY, Markets
from local.upstreams.server import Upstreams
from local.upstreams.world import big_world, build_world

__all__ = [
    "ALPACA_KEY_ID",
    "ALPACA_SECRET_KEY",
    "ALPHAVANTAGE_API_KEY",
    "HWMON",
    "LEDS",
    "LISTS",
    "Fault",
    "Faults",
    "Markets",
    "Upstreams",
    "World",
    "big_world",
    "build_world",
]
