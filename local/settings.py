"""What a person may choose about the local cloud, and what follows from it."""

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
"""Requests a second to an upstream that is not ours, unless REQUESTS_PER_SECOND says otherwise."""
CLOUD_RUNTIME = "python3.13"


class WrongSetting(Exception):
    """A setting is not what it should be."""


@dataclass(frozen=True)
class Upstreams:
    """Where the facts come from and pushes go to; what is not given is served by the sample upstreams."""

    patchwork_url: str | None = None
    lore_url: str | None = None
    projects: str | None = None
    lists: str | None = None
    expo_url: str | None = None
    sample_ports: tuple[int, int, int] = field(default=(DEFAULT_PORT + 1, DEFAULT_PORT + 2, DEFAULT_PORT + 3))

    @property
    def need_samples(self) -> bool:
        return not (self.patchwork_url and self.lore_url and self.expo_url)

    def environment(self) -> dict[str, str]:
        """As stages.yml reads it."""
        patchwork, lore, expo = (f"http://127.0.0.1:{port}" for port in self.sample_ports)
        chosen = {
            "PATCHWORK_URL": self.patchwork_url or patchwork,
            "LORE_URL": self.lore_url or lore,
            "EXPO_URL": self.expo_url or expo,
            "PROJECTS": self.projects or ("" if self.patchwork_url else SAMPLE_SOURCES),
            "LISTS": self.lists or ("" if self.lore_url else SAMPLE_SOURCES),
            "REQUESTS_PER_SECOND": os.environ.get("REQUESTS_PER_SECOND") or self._pace(),
        }
        return {name: value for name, value in chosen.items() if value}

    def check(self) -> None:
        """Raise `WrongSetting` before anything is deployed with it."""
        given = (("PATCHWORK_URL", self.patchwork_url), ("LORE_URL", self.lore_url), ("EXPO_URL", self.expo_url))
        for name, url in given:
            if url and not url.startswith(("http://", "https://")):
                raise WrongSetting(f"{name} is not an http(s) URL: {url}")
        pace = os.environ.get("REQUESTS_PER_SECOND") or "1"
        if not re.fullmatch(r"\d*\.?\d+", pace) or float(pace) == 0:
            raise WrongSetting(f"REQUESTS_PER_SECOND is not a number above 0: {pace}")

    def _pace(self) -> str:
        """As soon as one of the two servers facts come from is not ours, both are asked at its pace."""
        return PACED_BY_UPSTREAM if self.patchwork_url or self.lore_url else ""


def cloud_runtime() -> str:
    """The runtime packages for the cloud are built for here: its bytecode needs an interpreter of that version, and
    where there is none, this one's version serves to build and look at them."""
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
