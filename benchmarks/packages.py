"""How large the packages are that the services deploy: the newest zip of each, wherever it was built."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import REPOSITORY, SERVICES
from benchmarks.figures import Figure, Target

MAX_MEGABYTES = 8.0
QUICK: Mapping[str, Any] = {}

_ZIPS = (
    "services/{service}/.serverless/watchkeeper-{service}.zip",
    ".local/artifacts/watchkeeper-{service}.zip",
    ".local/deployments/*/artifacts/watchkeeper-{service}.zip",
    ".local/deployments/*/services/{service}/.serverless/watchkeeper-{service}.zip",
    ".local/state/workspace/services/{service}/.serverless/watchkeeper-{service}.zip",
)


def run(*, root: Path = REPOSITORY) -> dict[str, Any]:
    """Megabytes of each service's zip; ``None`` for one that was never packaged (``make package``)."""
    return {"benchmark": "packages", "megabytes": {service: _megabytes(root, service) for service in SERVICES}}


def _megabytes(root: Path, service: str) -> float | None:
    zips = [path for pattern in _ZIPS for path in root.glob(pattern.format(service=service))]
    if not zips:
        return None
    newest = max(zips, key=lambda path: path.stat().st_mtime)
    return round(newest.stat().st_size / 1_000_000, 2)


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    for service, megabytes in result["megabytes"].items():
        yield Figure(f"package: {service}", megabytes, "MB", Target("<", MAX_MEGABYTES))


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
