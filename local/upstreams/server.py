"""Starting and stopping the servers: two over one world, the push service, and two over the markets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from local.upstreams.changes import apply_change
from local.upstreams.control import Control
from local.upstreams.expo import ExpoApplication, ExpoControl, Office
from local.upstreams.faults import Faults
from local.upstreams.http import Answer, Request, RequestLog, UpstreamServer
from local.upstreams.live import World
from local.upstreams.lore import LoreApplication
from local.upstreams.markets.alpaca import AlpacaApplication
from local.upstreams.markets.alphavantage import AlphaVantageApplication
from local.upstreams.markets.control import PREFIX, MarketsControl, change_markets
from local.upstreams.markets.world import Markets
from local.upstreams.patchwork import PatchworkApplication
from local.upstreams.world import build_world

Json = dict[str, Any]
ChangeListener = Callable[[str, Json, datetime], None]


class Upstreams:
    """
    A Patchwork-, a lore-, an Expo-, an Alpaca- and an AlphaVantage-like server in threads of this process; a context
    manager for tests.

    Port 0 takes a free port. `rebuild` makes the world of the start again, for resets.
    `on_change` hears of each change, with its time, after it succeeded; those of the markets begin with "markets/".
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        markets: Markets | None = None,
        rebuild: Callable[[], World] = build_world,
        host: str = "127.0.0.1",
        patchwork_port: int = 0,
        lore_port: int = 0,
        expo_port: int = 0,
        alpaca_port: int = 0,
        alphavantage_port: int = 0,
        on_change: ChangeListener | None = None,
        on_reset: Callable[[], None] | None = None,
        on_markets_reset: Callable[[], None] | None = None,
        verbose: bool = False,
    ) -> None:
        self.world = world or rebuild()
        self._rebuild = rebuild
        self._on_change = on_change
        self._on_reset = on_reset
        self._on_markets_reset = on_markets_reset
        self.markets = markets or Markets()
        lore = LoreApplication(lambda: self.world)
        patchwork = PatchworkApplication(lambda: self.world, lambda: self.lore_url)
        self.push = Office()
        self.lore = self._server((host, lore_port), lore, "lore", verbose)
        self.patchwork = self._server((host, patchwork_port), patchwork, "patchwork", verbose)
        self.expo = _expo((host, expo_port), self.push, verbose)
        alpaca, alphavantage = AlpacaApplication(lambda: self.markets), AlphaVantageApplication(lambda: self.markets)
        self.alpaca = self._market_server((host, alpaca_port), alpaca, "alpaca", verbose)
        self.alphavantage = self._market_server((host, alphavantage_port), alphavantage, "alphavantage", verbose)
        self._threads: list[threading.Thread] = []

    @property
    def servers(self) -> tuple[UpstreamServer, ...]:
        return self.patchwork, self.lore, self.expo, self.alpaca, self.alphavantage

    @property
    def ports(self) -> tuple[int, int, int, int, int]:
        """In the order of the settings' `sample_ports`."""
        patchwork, lore, expo, alpaca, alphavantage = (int(server.server_port) for server in self.servers)
        return patchwork, lore, expo, alpaca, alphavantage

    def _server(
        self, address: tuple[str, int], application: Callable[[Request], Answer], name: str, verbose: bool
    ) -> UpstreamServer:
        faults, log = Faults(), RequestLog()
        control = Control(lambda: self.world, faults, log, self.change, self.reset_world)
        return UpstreamServer(address, application, control, faults, log, name=name, verbose=verbose)

    def _market_server(
        self, address: tuple[str, int], application: Callable[[Request], Answer], name: str, verbose: bool
    ) -> UpstreamServer:
        faults, log = Faults(), RequestLog()
        control = MarketsControl(lambda: self.markets, self.change, self.reset_markets, faults, log)
        return UpstreamServer(address, application, control, faults, log, name=name, verbose=verbose)

    @property
    def patchwork_url(self) -> str:
        return self.patchwork.url

    @property
    def lore_url(self) -> str:
        return self.lore.url

    @property
    def expo_url(self) -> str:
        return self.expo.url

    @property
    def alpaca_url(self) -> str:
        return self.alpaca.url

    @property
    def alphavantage_url(self) -> str:
        return self.alphavantage.url

    def change(self, action: str, body: Json) -> Json:
        """What a control request does, from Python."""
        if action.startswith(PREFIX):
            return self._change_markets(action, body)
        with self.world.lock:
            at = self.world.now()
            with self.world.at(at):
                result = apply_change(self.world, action, body)
            if self._on_change:
                self._on_change(action, body, at)
        return result

    def _change_markets(self, action: str, body: Json) -> Json:
        with self.markets.lock:
            at = self.markets.now()
            with self.markets.at(at):
                result = change_markets(self.markets, action.removeprefix(PREFIX), body)
            if self._on_change:
                self._on_change(action, body, at)
        return result

    def reset_markets(self) -> None:
        self.markets = self.markets.anew()
        if self._on_markets_reset:
            self._on_markets_reset()

    def reset_world(self) -> None:
        self.world = self._rebuild()
        if self._on_reset:
            self._on_reset()

    def start(self) -> Self:
        for server in self.servers:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), name=server.name, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        if self._threads:
            with ThreadPoolExecutor(len(self.servers)) as all_at_once:
                list(all_at_once.map(UpstreamServer.shutdown, self.servers))
        for server in self.servers:
            server.server_close()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _expo(address: tuple[str, int], office: Office, verbose: bool) -> UpstreamServer:
    faults, log = Faults(), RequestLog()
    control = ExpoControl(office, faults, log)
    return UpstreamServer(address, ExpoApplication(office), control, faults, log, name="expo", verbose=verbose)
