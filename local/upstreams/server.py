"""Starting and stopping the servers: two over one world, and the push service."""

from __future__ import annotations

import threading
from collections.abc import Callable
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
from local.upstreams.patchwork import PatchworkApplication
from local.upstreams.world import build_world

Json = dict[str, Any]
ChangeListener = Callable[[str, Json, datetime], None]


class Upstreams:
    """
    A Patchwork-like, a lore-like and an Expo-like server in threads of this process; a context manager for tests.

    Port 0 takes a free port. `rebuild` makes the world of the start again, for resets.
    `on_change` hears of each change, with its time, after it succeeded.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        rebuild: Callable[[], World] = build_world,
        host: str = "127.0.0.1",
        patchwork_port: int = 0,
        lore_port: int = 0,
        expo_port: int = 0,
        on_change: ChangeListener | None = None,
        on_reset: Callable[[], None] | None = None,
        verbose: bool = False,
    ) -> None:
        self.world = world or rebuild()
        self._rebuild = rebuild
        self._on_change = on_change
        self._on_reset = on_reset
        lore = LoreApplication(lambda: self.world)
        patchwork = PatchworkApplication(lambda: self.world, lambda: self.lore_url)
        self.push = Office()
        self.lore = self._server((host, lore_port), lore, "lore", verbose)
        self.patchwork = self._server((host, patchwork_port), patchwork, "patchwork", verbose)
        self.expo = _expo((host, expo_port), self.push, verbose)
        self._threads: list[threading.Thread] = []

    @property
    def servers(self) -> tuple[UpstreamServer, ...]:
        return self.patchwork, self.lore, self.expo

    def _server(
        self, address: tuple[str, int], application: Callable[[Request], Answer], name: str, verbose: bool
    ) -> UpstreamServer:
        faults, log = Faults(), RequestLog()
        control = Control(lambda: self.world, faults, log, self.change, self.reset_world)
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

    def change(self, action: str, body: Json) -> Json:
        """What a control request does, from Python."""
        with self.world.lock:
            at = self.world.now()
            with self.world.at(at):
                result = apply_change(self.world, action, body)
            if self._on_change:
                self._on_change(action, body, at)
        return result

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
        for server in self.servers:
            if self._threads:
                server.shutdown()
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
