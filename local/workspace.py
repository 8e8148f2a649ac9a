"""A separate copy of the sources for deployments.

Packaging writes next to what it packages: a copy keeps the repository clean, and lets several local clouds and the
tests package at the same time.
"""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDERS = ("services", "libs")
FILES = ("stages.yml", "alarms.yml", "serverless-compose.yml", "package.json")
LEFT_OUT = ("__pycache__", "*.pyc", "*.egg-info", "build", ".serverless", "node_modules")


@dataclass(frozen=True)
class Workspace:
    root: Path

    def refresh(self) -> None:
        """Update the copy from the repository; the tools' records of earlier deployments are kept."""
        self.root.mkdir(parents=True, exist_ok=True)
        for folder in FOLDERS:
            shutil.rmtree(self.root / folder, ignore_errors=True)
            shutil.copytree(REPOSITORY / folder, self.root / folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
        for file in FILES:
            shutil.copy2(REPOSITORY / file, self.root / file)
        packages = self.root / "node_modules"
        if not packages.is_symlink():
            packages.symlink_to(REPOSITORY / "node_modules")

    def digest(self) -> str:
        """The digest of every file and its path."""
        digest = hashlib.sha256()
        for path in self._files():
            digest.update(f"{path.relative_to(self.root)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def service(self, name: str) -> Path:
        return self.root / "services" / name

    def _files(self) -> Iterator[Path]:
        for file in FILES:
            yield self.root / file
        for folder in FOLDERS:
            found = (self.root / folder).rglob("*")
            yield from sorted(path for path in found if path.is_file() and ".serverless" not in path.parts)
