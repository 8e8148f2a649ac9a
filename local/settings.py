"""The choices about the local cloud, and the settings that follow from them."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_PORT = 4566
SAMPLE_SOURCES = "sample-hwmon,sample-leds"
PACED_BY_UPSTREAM = "4"
"""Requests per second to an upstream that is not ours, unless REQUESTS_PER_SECOND is set."""
FREE_PLANS: Mapping[str, str] = {
    "ALPACA_PER_MINUTE": "180",
    "ALPHAVANTAGE_PER_SECOND": "1",
    "ALPHAVANTAGE_PER_MINUTE": "30",
    "ALPHAVANTAGE_PER_DAY": "25",
    "ALPHAVANTAGE_NEWS_PER_DAY": "5",
}
"""Calls to the markets' vendors, unless these variables are set; as in stages.yml for a new stage."""
CLOUD_RUNTIME = "python3.13"


class WrongSetting(Exception):
    """A setting is invalid."""


def sample_ports(port: int) -> tuple[int, int, int, int, int]:
    """The ports of the sample upstreams, next to the cloud's."""
    return port + 1, port + 2, port + 3, port + 4, port + 5


@dataclass(frozen=True)
class Upstreams:
    """Where facts are read from and pushes are sent to; by default, the sample upstreams."""

    patchwork_url: str | None = None
    lore_url: str | None = None
    projects: str | None = None
    lists: str | None = None
    expo_url: str | None = None
    alpaca_url: str | None = None
    alpaca_data_url: str | None = None
    """Where one host of Alpaca has both, it is the same."""
    alphavantage_url: str | None = None
    sample_ports: tuple[int, int, int, int, int] = field(default_factory=lambda: sample_ports(DEFAULT_PORT))

    @property
    def need_samples(self) -> bool:
        return not all(self._given().values())

    def environment(self) -> dict[str, str]:
        """As stages.yml reads it."""
        servers = zip(self._given().items(), self.sample_ports, strict=True)
        chosen = {
            **{name: given or f"http://127.0.0.1:{port}" for (name, given), port in servers},
            "PROJECTS": self.projects or ("" if self.patchwork_url else SAMPLE_SOURCES),
            "LISTS": self.lists or ("" if self.lore_url else SAMPLE_SOURCES),
            "ALPACA_DATA_URL": self.alpaca_data_url,
            "REQUESTS_PER_SECOND": os.environ.get("REQUESTS_PER_SECOND") or self._pace(),
            **self._calls(),
            "MAINTENANCE_DAYS": os.environ.get("MAINTENANCE_DAYS"),
        }
        return {name: value for name, value in chosen.items() if value}

    def check(self) -> None:
        """Raise `WrongSetting`, before anything is deployed."""
        for name, url in (*self._given().items(), ("ALPACA_DATA_URL", self.alpaca_data_url)):
            if url and not url.startswith(("http://", "https://")):
                raise WrongSetting(f"{name} is not an http(s) URL: {url}")
        pace = os.environ.get("REQUESTS_PER_SECOND") or "1"
        if not re.fullmatch(r"\d*\.?\d+", pace) or float(pace) == 0:
            raise WrongSetting(f"REQUESTS_PER_SECOND is not a number above 0: {pace}")
        for name, calls in self._calls().items():
            shape = r"\d{1,6}(\.\d{1,3})?" if name.endswith("_SECOND") else r"\d{1,6}"
            if calls and not (re.fullmatch(shape, calls) and (float(calls) or name.endswith("_NEWS_PER_DAY"))):
                raise WrongSetting(f"{name} is not a number of calls: {calls}")

    def _given(self) -> dict[str, str | None]:
        """In the order of the samples' ports."""
        return {
            "PATCHWORK_URL": self.patchwork_url,
            "LORE_URL": self.lore_url,
            "EXPO_URL": self.expo_url,
            "ALPACA_URL": self.alpaca_url,
            "ALPHAVANTAGE_URL": self.alphavantage_url,
        }

    def _calls(self) -> dict[str, str]:
        """The calls a vendor of the markets allows. Unless it is a sample, the limits are those of its free plan."""
        own = {"ALPACA": self.alpaca_url, "ALPHAVANTAGE": self.alphavantage_url}
        return {
            name: os.environ.get(name) or (calls if own[name.partition("_")[0]] else "")
            for name, calls in FREE_PLANS.items()
        }

    def _pace(self) -> str:
        """If one of the two servers of facts is not ours, its rate limit applies to both."""
        return PACED_BY_UPSTREAM if self.patchwork_url or self.lore_url else ""


def cloud_runtime() -> str:
    """The runtime for which packages are built here: the bytecode needs an interpreter of that version, and if there is
    none, this one's version is sufficient to build and inspect them."""
    for choice in ({}, {"PYENV_VERSION": CLOUD_RUNTIME.removeprefix("python")}):
        try:
            subprocess.run([CLOUD_RUNTIME, "-c", ""], env=os.environ | choice, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return CLOUD_RUNTIME
    return "python{}.{}".format(*sys.version_info[:2])


def runtime_environment() -> dict[str, str]:
    """The functions run on this machine's interpreter and processor."""
    arm = platform.machine().lower() in ("arm64", "aarch64")
    return {
        "WATCHKEEPER_LOCAL_RUNTIME": "python{}.{}".format(*sys.version_info[:2]),
        "WATCHKEEPER_LOCAL_ARCHITECTURE": "arm64" if arm else "x86_64",
    }


def sources(environment: Mapping[str, str]) -> list[str]:
    """The progress rows' keys of all sources that are watched."""
    projects = [f"patchwork:{name}" for name in environment.get("PROJECTS", "").split(",") if name]
    lists = [f"lore:{name}" for name in environment.get("LISTS", "").split(",") if name]
    return projects + lists
