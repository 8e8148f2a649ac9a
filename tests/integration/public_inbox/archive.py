"""A public-inbox of our own: inboxes on disk, filled in a chosen order of arrival, served by its own daemon."""

import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

_FEED = Path(__file__).with_name("feed.pl")
_PROGRAMS = ("perl", "public-inbox-init", "public-inbox-httpd")
_SERVE = ["sh", "-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec public-inbox-httpd -W0 3<&0 </dev/null"]
"""The socket comes as standard input and is handed on as systemd does, so no port is guessed or raced for."""
_PATIENCE_SECONDS = 60


def missing_programs() -> list[str]:
    return [program for program in _PROGRAMS if shutil.which(program) is None]


class PublicInbox:
    def __init__(self, home: Path) -> None:
        self._home = home
        self._environment = {**os.environ, "HOME": str(home), "PI_CONFIG": str(home / "config")}

    def create(self, name: str) -> None:
        """An inbox whose search index is spread over two shards, as those of large lists are."""
        url, address = f"http://127.0.0.1/{name}", f"{name}@lists.example.org"
        self._run("public-inbox-init", "-V2", "--jobs=3", name, str(self._home / name), url, address)

    def deliver(self, name: str, mails: Iterable[bytes]) -> None:
        """Mails arrive one after another. A running daemon may go on for half a minute without them."""
        spool = self._home / "spool"
        spool.mkdir(exist_ok=True)
        files: list[str] = []
        for number, raw in enumerate(mails):
            file = spool / f"{number:04}"
            file.write_bytes(raw)
            files.append(str(file))
        self._run("perl", str(_FEED), name, *files)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The base URL of a daemon that sees all mails delivered before; its log is ``httpd.log`` beside them."""
        with socket.create_server(("127.0.0.1", 0)) as listener, (self._home / "httpd.log").open("ab") as log:
            listener.setblocking(False)
            port = listener.getsockname()[1]
            daemon = subprocess.Popen(
                _SERVE, stdin=listener.fileno(), stdout=subprocess.DEVNULL, stderr=log, env=self._environment
            )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            daemon.kill()
            daemon.wait(_PATIENCE_SECONDS)

    def threads(self, name: str) -> set[frozenset[str]]:
        """The Message-IDs of each thread, ghosts included, as its own index has them."""
        threads: dict[int, set[str]] = {}
        with closing(sqlite3.connect(self._home / name / "xap15" / "over.sqlite3")) as overview:
            overview.text_factory = partial(str, encoding="utf-8", errors="replace")
            rows = overview.execute("SELECT tid, mid FROM over JOIN id2num USING (num) JOIN msgid USING (id)")
            for thread, message_id in rows:
                threads.setdefault(thread, set()).add(message_id)
        return set(map(frozenset, threads.values()))

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_SECONDS,
            env=self._environment,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")
