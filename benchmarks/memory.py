"""The most memory a function needs to read the whole history of a list in one call.

The reader is a fresh process that runs the deployed handler and nothing else; the archive and a stand-in for DynamoDB
are in this one. The mails are as long as those of kernel lists are on average. Run it with
``python -m benchmarks.memory``.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.figures import Figure, Target
from benchmarks.functions import run_fresh
from benchmarks.mail import SEED
from benchmarks.stand_in import Store, served
from local.upstreams import LISTS, Upstreams, World
from local.upstreams.big import fill_big_world
from local.upstreams.live import Delivery, Service
from tests.integration.tables import table_name

MAX_MEGABYTES = 256.0
QUICK = {"mails": 60}

_LIST = LISTS[0]
_PADDINGS = 200
_LINES = 95
_TEXT = "the driver reads a register before it has been enabled and so this value is stale after every resume"
_WORDS = _TEXT.split()


class _OneList(World):
    """Sends everything to one list, and each mail with a few KB of text more."""

    def __init__(self) -> None:
        super().__init__()
        dice = random.Random(SEED)
        self._paddings = [_prose(dice).encode() for _ in range(_PADDINGS)]

    def deliver(
        self,
        raw: bytes,
        lists: Sequence[str],  # noqa: ARG002 -- the world's signature
        *,
        received: datetime | None = None,
        only: Service | None = None,  # noqa: ARG002
    ) -> list[Delivery]:
        head, _, body = raw.partition(b"\n\n")
        padding = self._paddings[len(raw) * 31 % _PADDINGS]
        return super().deliver(b"\n\n".join((head, padding, body)), (_LIST,), received=received, only="lore")


def _prose(dice: random.Random) -> str:
    return "\n".join(" ".join(dice.choice(_WORDS) for _ in range(13)) for _ in range(_LINES))


def run(*, mails: int = 30_000) -> dict[str, Any]:
    """Megabytes of the reader, at its peak and after its imports."""
    world = fill_big_world(_OneList(), mails // 3, mails, SEED, datetime.now(UTC).replace(microsecond=0))
    store = Store()
    with Upstreams(world) as upstreams, served(store) as endpoint:
        settings = {"LORE_URL": upstreams.lore_url, "LISTS": _LIST, "AWS_ENDPOINT_URL": endpoint, "LOG_LEVEL": "ERROR"}
        printed = run_fresh("-W", "ignore", "-m", "benchmarks.memory_worker", _LIST, **settings)
    stored = store.size(table_name("discussions"))
    if stored != mails:
        raise AssertionError(f"{stored} of {mails} mails were stored")
    octets = sum(len(message.mail.raw) for message in world.archive.everything.messages)
    return {
        "benchmark": "memory",
        "mails": mails,
        "mean_octets": octets // mails,
        **json.loads(printed.splitlines()[-1]),
    }


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    peak, target = result["peak_mb"], Target("<", MAX_MEGABYTES)
    yield Figure(f"memory: reading a list of {result['mails']:,} mails", peak, "MB", target)
    yield Figure("memory: its imports alone", result["imported_mb"], "MB")


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
