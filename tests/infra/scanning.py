"""checkov, on all templates in one run, in the virtual environment it is installed in."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = REPOSITORY / ".local" / "checkov" / "bin" / "checkov"
EXCEPTIONS: Mapping[str, Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_name("checkov.yml").read_text())
OFFLINE = {"BC_SKIP_MAPPING": "TRUE"}
"""Without it and ``--skip-download``, checkov asks its maker for the severity and the guides of the checks."""


@dataclass(frozen=True)
class Finding:
    template: str
    check: str
    resource: str
    title: str

    @property
    def is_excepted(self) -> bool:
        return self.check in EXCEPTIONS["everywhere"] or self.resource in EXCEPTIONS["resources"].get(self.check, {})


def scan(folder: Path) -> list[Finding]:
    """What checkov finds in the templates of a folder; empty only if it has looked at every one."""
    assert PROGRAM.exists(), "checkov is not installed: run `make test-infra` once"
    command = [str(PROGRAM), "--directory", str(folder), "--framework", "cloudformation", "--output", "json"]
    options = ["--compact", "--quiet", "--soft-fail", "--skip-download"]
    ran = subprocess.run([*command, *options], capture_output=True, text=True, check=False, env=os.environ | OFFLINE)
    assert ran.returncode == 0, ran.stderr or ran.stdout
    report = json.loads(ran.stdout)
    assert report["summary"]["parsing_errors"] == 0
    return [_finding(failed) for failed in report["results"]["failed_checks"]]


def _finding(failed: Mapping[str, Any]) -> Finding:
    return Finding(
        template=Path(failed["file_path"]).stem,
        check=failed["check_id"],
        resource=failed["resource"].rpartition(".")[2],
        title=failed["check_name"],
    )
