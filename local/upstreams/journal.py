"""What a restarted server needs to show the same world: when it was created, and the changes since."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.upstreams.changes import apply_change
from local.upstreams.live import World
from local.upstreams.markets.control import PREFIX, change_markets
from local.upstreams.markets.world import Markets
from local.upstreams.world import DEFAULT_SEED, build_world

Json = dict[str, Any]


@dataclass(slots=True)
class Journal:
    """Without a path nothing is stored."""

    path: Path | None
    made: datetime
    seed: int = DEFAULT_SEED
    changes: list[Json] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, path: Path | None) -> Journal:
        if path and path.exists():
            kept = json.loads(path.read_text())
            return cls(path, datetime.fromisoformat(kept["made"]), kept["seed"], kept["changes"])
        journal = cls(path, datetime.now(UTC))
        journal._write()
        return journal

    def build(self) -> World:
        return build_world(self.seed, now=self.made)

    def replay(self) -> World:
        world = self.build()
        for change in self._changes(markets=False):
            with world.at(datetime.fromisoformat(change["at"])):
                apply_change(world, change["action"], change["body"])
        return world

    def replay_markets(self) -> Markets:
        """The markets continue in real time, whenever the journal was begun; some reported on that day."""
        markets = Markets(seed=self.seed, made=self.made)
        for change in self._changes(markets=True):
            with markets.at(datetime.fromisoformat(change["at"])):
                change_markets(markets, change["action"].removeprefix(PREFIX), change["body"])
        return markets

    def _changes(self, *, markets: bool) -> list[Json]:
        return [change for change in self.changes if change["action"].startswith(PREFIX) is markets]

    def note(self, action: str, body: Json, at: datetime) -> None:
        with self._lock:
            self.changes.append({"at": at.isoformat(), "action": action, "body": body})
            self._write()

    def forget(self) -> None:
        """Discards the changes of the world; those of the markets stay."""
        self._keep(self._changes(markets=True))

    def forget_markets(self) -> None:
        self._keep(self._changes(markets=False))

    def _keep(self, changes: list[Json]) -> None:
        with self._lock:
            self.changes[:] = changes
            self._write()

    def _write(self) -> None:
        """All or nothing, so that an interruption leaves the last complete state."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kept = {"made": self.made.isoformat(), "seed": self.seed, "changes": self.changes}
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(kept))
        fresh.replace(self.path)
