"""The packages of all services, built once: the same files go through every stage.

Runtime and processor are the same on all stages of AWS, so that a zip does not depend on the stage. The manifest next
to the zips records their digests and the commit they were built from.
"""

import hashlib
import json
import shutil
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.checkout import Checkout

MANIFEST = "manifest.json"


class ArtifactsRefused(Exception):
    """The packages are not those to deploy, or were changed after the build."""


@dataclass(frozen=True)
class Artifacts:
    folder: Path

    def zip(self, service: str) -> Path:
        return self.folder / f"watchkeeper-{service}.zip"

    def code_sha256(self, service: str) -> str:
        """As Lambda reports it for a function."""
        return b64encode(hashlib.sha256(self.zip(service).read_bytes()).digest()).decode()

    def collect(self, built: Mapping[str, Path], checkout: Checkout, tag: str | None) -> None:
        """Collect the zips of these services, and record their digests."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for service, file in built.items():
            shutil.copyfile(file, self.zip(service))
        manifest = {
            "commit": checkout.commit,
            "committed": not checkout.changes,
            "tag": tag,
            "packages": {service: {"sha256": self._sha256(service)} for service in built},
        }
        (self.folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")

    def check(self, services: Iterable[str], checkout: Checkout) -> None:
        """Raise `ArtifactsRefused` unless they are intact, and of the commit whose templates belong to them."""
        manifest = self.manifest()
        if manifest["commit"] != checkout.commit:
            raise ArtifactsRefused(
                f"The packages in {self.folder} were built from {manifest['commit']}, and this is {checkout.commit}: "
                "zips and templates belong together. Check out that commit, or its tag."
            )
        for service in services:
            noted = manifest["packages"].get(service)
            if noted is None or not self.zip(service).exists():
                raise ArtifactsRefused(f"There is no package of {service} in {self.folder}: make package")
            if noted["sha256"] != self._sha256(service):
                raise ArtifactsRefused(f"{self.zip(service)} is not what {MANIFEST} tells of: it was changed, or cut.")

    @property
    def are_committed(self) -> bool:
        """Whether everything they were built from is in their commit."""
        return bool(self.manifest()["committed"])

    def manifest(self) -> dict[str, Any]:
        file = self.folder / MANIFEST
        if not file.exists():
            raise ArtifactsRefused(f"There is no {file}: make package ARTIFACTS={self.folder}")
        manifest: dict[str, Any] = json.loads(file.read_text())
        return manifest

    def _sha256(self, service: str) -> str:
        return hashlib.sha256(self.zip(service).read_bytes()).hexdigest()
