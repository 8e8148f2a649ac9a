"""The working copy from which is deployed."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.workspace import REPOSITORY


@dataclass(frozen=True)
class Checkout:
    folder: Path = REPOSITORY

    @property
    def commit(self) -> str | None:
        """None where there is no history: in an unpacked archive."""
        return self._git("rev-parse", "HEAD") or None

    @property
    def changes(self) -> list[str]:
        """Uncommitted changes, including new files."""
        return self._git("status", "--porcelain").splitlines()

    @property
    def is_published(self) -> bool:
        """Whether others can find the commit: it is on a branch of a remote, or has a tag."""
        return bool(self._git("branch", "--remotes", "--contains", "HEAD") or self._git("tag", "--points-at", "HEAD"))

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.rstrip()
