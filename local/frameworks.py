"""The Serverless Framework's commands, as this repository runs them."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from local.workspace import REPOSITORY

BINARIES = REPOSITORY / "node_modules" / ".bin"


class CommandFailed(Exception):
    """A command of the framework ended with an error; its output says why."""


def tool_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The framework's environment: our own interpreter and packages first, and no prompts or advertisements.

    An empty variable counts as not set: make exports unset ones too, and stages.yml would take them for values.
    """
    search = os.pathsep.join([str(BINARIES), str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {
        **{name: value for name, value in os.environ.items() if value},
        "PATH": search,
        "SLS_NOTIFICATIONS_MODE": "off",
        "SLS_TELEMETRY_DISABLED": "1",
        "SLS_INTERACTIVE_SETUP_ENABLE": "0",
        "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **settings,
    }


def run(
    command: str,
    arguments: Sequence[str],
    folder: Path,
    settings: Mapping[str, str],
    output: IO[str] | None = None,
) -> None:
    """Run `sls` or `osls-compose`; it prints to `output`, or to the terminal."""
    finished = subprocess.run(
        [str(BINARIES / command), *arguments],
        cwd=folder,
        env=tool_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        check=False,
    )
    if finished.returncode != 0:
        raise CommandFailed(f"{command} {' '.join(arguments)} failed")
