"""
Sample upstreams: a Patchwork-like REST server and a lore-like mail archive over one invented world, and an Expo-like
push service.

They need nothing but the standard library, and imitate what the live services are known to do,
including what surprises clients. All mails, people and patches are made up.
"""

from local.upstreams.faults import Fault, Faults
from local.upstreams.live import HWMON, LEDS, LISTS, World
from local.upstreams.server import Upstreams
from local.upstreams.world import big_world, build_world

__all__ = ["HWMON", "LEDS", "LISTS", "Fault", "Faults", "Upstreams", "World", "big_world", "build_world"]
