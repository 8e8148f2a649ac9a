"""The deployed system, the upstreams it reads, and its entry points."""

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from typing import Any

from local.cloud import LocalCloud
from local.signin import access_token
from local.upstreams import LISTS, Upstreams
from tests.e2e.api import Api
from tests.e2e.bus import Bus
from tests.e2e.queues import Queues
from tests.e2e.tables import Tables
from tests.e2e.waiting import wait_for

PATCHWORK = tuple(f"patchwork:{name}" for name in LISTS)
LORE = tuple(f"lore:{name}" for name in LISTS)
INGEST = ("fetch-patches", "fetch-discussions", "fetch-threads", "publish-changes")


class System:
    def __init__(self, cloud: LocalCloud, upstreams: Upstreams) -> None:
        self.cloud = cloud
        self.upstreams = upstreams
        self.api = self.signed_in("reader@watchkeeper.test")
        self.queues = Queues(cloud)
        self.tables = Tables(cloud)
        self.bus = Bus(cloud)

    def signed_in(self, email: str) -> Api:
        """The API as somebody uses it who has just signed in."""
        return Api(self.cloud.api_url, access_token(self.cloud, email))

    def run_rule(self, name: str) -> Any:
        """Invoke the function of a schedule with what the deployed rule hands it."""
        [target] = self.cloud.client("events").list_targets_by_rule(Rule=self.cloud.name(name))["Targets"]
        return self.cloud.invoke(target["Arn"].rpartition(self.cloud.name(""))[2], json.loads(target["Input"]))

    def run_schedules(self, mode: str) -> None:
        """Do what the hourly or daily schedules do, and wait until it is done."""
        with self.awaited(*PATCHWORK, *LORE):
            for function in ("fetch-patches", "fetch-discussions"):
                self.cloud.invoke_later(function, {"mode": mode})
        self.settle()

    def read_all(self, mode: str) -> None:
        """The same without the pauses that those make who find another at their upstream."""
        for sources in zip_longest(PATCHWORK, LORE):
            with self.awaited(*sources):
                self.hand_out(sources, mode)
        self.settle()

    def hand_out(self, sources: Iterable[str], mode: str) -> None:
        """Put the messages on the queues that a schedule puts there."""
        for source in sources:
            kind, _, name = source.partition(":")
            queue, key = ("patches", "project") if kind == "patchwork" else ("discussions", "list")
            self.queues.send(queue, json.dumps({"task": queue, key: name, "mode": mode}))

    @contextmanager
    def awaited(self, *sources: str) -> Iterator[None]:
        """Wait until each of them was read to the end by a run that is begun within."""
        before = self.finished_runs()
        yield
        wait_for(f"{', '.join(sources)} to be read", lambda: self._are_read(sources, before), 120)

    def finished_runs(self) -> dict[str, str]:
        """The id of each source's last run, where it has come to its end."""
        runs = {name: source["run"] for name, source in self.api.sources().items()}
        return {name: run["id"] for name, run in runs.items() if run and run["finished_at"]}

    def _are_read(self, sources: Iterable[str], before: Mapping[str, str]) -> bool:
        finished = self.finished_runs()
        read = all(name in finished and finished[name] != before.get(name) for name in sources)
        return read and not self.queues.are_busy()

    def settle(self) -> None:
        """Wait until nothing is left to do."""
        wait_for("empty queues", self.queues.are_idle, 60)

    def end_delays(self) -> None:
        """What was to come in seconds or in a quarter of an hour comes now, but second looks at threads, which do not
        come at all."""
        self.queues.purge("threads")
        pid = self.cloud.pid
        assert pid is not None
        os.kill(pid, signal.SIGUSR1)

    def workers(self, functions: Sequence[str] = INGEST) -> list[int]:
        """The processes that execute these functions, busy or waiting for work."""
        mark = f"{self.cloud.state_dir}/tmp/ministack-lambda-"
        names = tuple(self.cloud.name(function) for function in functions)
        listed = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=True)
        processes = (line.split(None, 1) for line in listed.stdout.splitlines())
        return [int(pid) for pid, command in processes if command.partition(mark)[2].startswith(names)]

    def kill_workers(self, functions: Sequence[str] = INGEST) -> None:
        for pid in self.workers(functions):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
