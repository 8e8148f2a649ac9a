"""The sample upstreams next to a local cloud."""

import os
import sys

from local.cloud import LocalCloud, PortTaken
from local.processes import Program, is_port_free
from local.settings import FREE_PLANS, Upstreams
from local.workspace import REPOSITORY


def check_ports(cloud: LocalCloud, upstreams: Upstreams) -> None:
    """Raise `PortTaken`, before anything is started, unless the cloud and the samples will get their ports."""
    cloud.check_port()
    if upstreams.need_samples:
        _check_own_ports(cloud, upstreams)


def start(cloud: LocalCloud, upstreams: Upstreams) -> bool:
    """False if they were running."""
    program = _program(cloud)
    if program.pid is not None:
        return False
    _check_own_ports(cloud, upstreams)
    program.start(_command(cloud, upstreams), _environment(), lambda: _are_ready(upstreams), 60)
    return True


def stop(cloud: LocalCloud) -> bool:
    return _program(cloud).stop(10)


def pid(cloud: LocalCloud) -> int | None:
    return _program(cloud).pid


def environment(cloud: LocalCloud) -> dict[str, str]:
    """The upstreams the deployed functions use, as stages.yml reads them."""
    names = ("PATCHWORK_URL", "LORE_URL", "PROJECTS", "LISTS", "REQUESTS_PER_SECOND", "EXPO_URL", *FREE_PLANS)
    functions = ("fetch-patches", "process-reminders", "sync-assets", "sync-earnings-calendar")
    variables = {name: value for function in functions for name, value in _variables(cloud, function).items()}
    return {name: variables[name] for name in names if name in variables}


def _variables(cloud: LocalCloud, function: str) -> dict[str, str]:
    found = cloud.functions.get_function_configuration(FunctionName=cloud.name(function))
    return dict(found["Environment"]["Variables"])


def _check_own_ports(cloud: LocalCloud, upstreams: Upstreams) -> None:
    taken = [port for port in upstreams.sample_ports if not is_port_free(port)]
    if taken and pid(cloud) is None:
        raise PortTaken(f"Port {taken[0]}, for the sample upstreams, is taken; PORT= moves all six ports")


def _program(cloud: LocalCloud) -> Program:
    return Program("upstreams", cloud.state_dir)


def _command(cloud: LocalCloud, upstreams: Upstreams) -> list[str]:
    state = cloud.state_dir / "upstreams.state"
    named = zip(("patchwork", "lore", "expo", "alpaca", "alphavantage"), upstreams.sample_ports, strict=True)
    ports = [part for name, port in named for part in (f"--{name}-port", str(port))]
    return [sys.executable, "-m", "local.upstreams", *ports, "--state-file", str(state)]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}


def _are_ready(upstreams: Upstreams) -> bool:
    return not any(is_port_free(port) for port in upstreams.sample_ports)
