"""The packaged templates of prod, for the documents that are generated from them."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.frameworks import CommandFailed, run
from local.settings import cloud_runtime, runtime_environment
from local.workspace import Workspace

SERVICES = ("ingest", "api", "scheduler")
STAGE = "prod"
TEMPLATE = "cloudformation-template-update-stack.json"

Templates = Mapping[str, Mapping[str, Any]]
"""By service."""


def templates() -> Templates:
    """Package all services; this takes half a minute. Raises ``CommandFailed``."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        workspace.refresh()
        return {service: _template(workspace, service) for service in SERVICES}


def _template(workspace: Workspace, service: str) -> Mapping[str, Any]:
    place = workspace.service(service)
    log = workspace.root / f"{service}.log"
    settings = runtime_environment() | {"WATCHKEEPER_RUNTIME": cloud_runtime()}
    with log.open("w") as output:
        try:
            run("sls", ["package", "--stage", STAGE], place, settings, output)
        except CommandFailed as error:
            raise CommandFailed(f"{error}\n{log.read_text()}") from error
    loaded: Mapping[str, Any] = json.loads((place / ".serverless" / TEMPLATE).read_text())
    return loaded
