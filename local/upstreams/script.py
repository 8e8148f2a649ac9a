"""A world's history, written in any order and performed in time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from local.upstreams.letters import Letter
from local.upstreams.live import Service, World
from local.upstreams.tracked import Patch, User

Action = Callable[[World], object]
PatchAction = Callable[[World, Patch], object]


@dataclass(slots=True)
class Script:
    """Nothing written for `end` or later is performed: it has not happened yet."""

    rng: random.Random
    start: datetime
    end: datetime
    _scenes: list[tuple[datetime, int, Action]] = field(default_factory=list)

    def act(self, at: datetime, action: Action) -> None:
        self._scenes.append((at, len(self._scenes), action))

    def send(
        self,
        at: datetime,
        letter: Letter,
        lists: Sequence[str],
        *,
        received: datetime | None = None,
        only: Service | None = None,
    ) -> Letter:
        self.act(at, lambda world: world.deliver(letter.as_bytes(), lists, received=received, only=only))
        return letter

    def on_patch(self, at: datetime, message_id: str, action: PatchAction) -> None:
        """Done to that mail's patch in every project that has it."""
        self.act(at, lambda world: [action(world, one) for one in world.tracker.patches_named(message_id)])

    def set_state(self, at: datetime, message_id: str, state: str, actor: User) -> None:
        self.on_patch(at, message_id, lambda world, patch: world.tracker.set_state(patch, state, actor))

    def perform(self, world: World) -> World:
        for at, _, action in sorted(self._scenes, key=lambda scene: scene[:2]):
            if at < self.end:
                with world.at(at):
                    action(world)
        return world

    def later(self, at: datetime, least_hours: float, most_hours: float) -> datetime:
        """Some time after, skewed to the near end as mail is, to the second."""
        share = self.rng.random() ** 2
        hours = least_hours + share * (most_hours - least_hours)
        return (at + timedelta(hours=hours)).replace(microsecond=0)

    def token(self, digits: int = 12) -> str:
        return f"{self.rng.getrandbits(digits * 4):0{digits}x}"
