"""Serves the sample upstreams until it is stopped."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from local.upstreams.journal import Journal
from local.upstreams.server import Upstreams


def main() -> None:
    options = _options()
    journal = Journal.open(options.state_file)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    upstreams = Upstreams(
        journal.replay(),
        markets=journal.replay_markets(),
        rebuild=journal.build,
        host=options.host,
        patchwork_port=options.patchwork_port,
        lore_port=options.lore_port,
        expo_port=options.expo_port,
        alpaca_port=options.alpaca_port,
        alphavantage_port=options.alphavantage_port,
        on_change=journal.note,
        on_reset=journal.forget,
        on_markets_reset=journal.forget_markets,
        verbose=True,
    )
    with upstreams:
        named = zip(("Patchwork", "lore", "Expo", "Alpaca", "AlphaVantage"), upstreams.servers, strict=True)
        print(f"ready: {', '.join(f'{name} at {server.url}' for name, server in named)}", flush=True)
        stopping.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="local.upstreams", description=__doc__)
    parser.add_argument("--patchwork-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--lore-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--expo-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--alpaca-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--alphavantage-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--state-file", type=Path, help="keeps the world across restarts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
