"""Background programs, identified by their pid files."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LINES_OF_LOG = 15


class CouldNotStart(Exception):
    """A program ended, or did not get ready in time."""


@dataclass(frozen=True)
class Program:
    """A program that runs at most once, with its pid file and log next to each other.

    The pid file also has the time the process started: the pid alone may belong to another process by now.
    """

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """The pid while the program runs."""
        try:
            noted = json.loads(self._pid_file.read_text())
            pid, started = int(noted["pid"]), str(noted["started"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return pid if started_at(pid) == started else None

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], ready: Callable[[], bool], seconds: float
    ) -> None:
        """Return once `ready` says so."""
        if self.pid is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._pid_file.write_text(json.dumps({"pid": process.pid, "started": started_at(process.pid)}))
        if not wait_until(lambda: process.poll() is not None or ready(), seconds) or process.poll() is not None:
            self.stop()
            process.poll()
            raise CouldNotStart(f"{self.name} did not get ready. Its log, {self.log}, ends so:\n{self.log_end()}")
        process.returncode = 0  # it continues without us: Popen must not wait for it, nor warn about it

    def stop(self, seconds: float = 120) -> bool:
        """Ask it to stop and wait for that; True if it was running."""
        pid = self.pid
        if pid is not None:
            send(pid, signal.SIGTERM)
            if not wait_until(lambda: has_ended(pid), seconds):
                send(pid, signal.SIGKILL)
                wait_until(lambda: has_ended(pid), seconds)
        self._pid_file.unlink(missing_ok=True)
        return pid is not None

    def log_end(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-LINES_OF_LOG:])

    @property
    def _pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"


def started_at(pid: int) -> str | None:
    """What distinguishes this process from a later one with the same pid; None when it has ended."""
    statistics = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return shown.stdout.strip() or None
    try:
        fields = statistics.read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, started = fields[0], fields[19]
    return None if state == "Z" else started


def has_ended(pid: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # to be reaped, if this process started it
    return started_at(pid) is None


def send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_until(done: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def is_port_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
