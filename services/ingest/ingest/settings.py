"""The settings of the ingest functions, read once from the environment; a missing one fails the cold start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from watchkeeper.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Tables:
    patches: str
    series: str
    discussions: str
    threading: str
    progress: str
    breakers: str


@dataclass(frozen=True, slots=True)
class Queues:
    """URLs of the functions' own work queues."""

    patches: str
    discussions: str
    threads: str


@dataclass(frozen=True, slots=True)
class KernelSettings:
    tables: Tables
    queues: Queues
    bodies_bucket: str
    patchwork_url: str
    lore_url: str
    projects: tuple[str, ...]
    """Patchwork link names."""
    lists: tuple[str, ...]
    """Inbox names of the mail archive."""
    user_agent: str
    requests_per_second: float


def kernel_settings(environment: Mapping[str, str] = os.environ) -> KernelSettings:
    """Raises ``ConfigurationError``, which names what is missing or wrong."""
    read = Reader(environment)
    settings = KernelSettings(
        tables=Tables(
            patches=read.text("PATCHES_TABLE"),
            series=read.text("SERIES_TABLE"),
            discussions=read.text("DISCUSSIONS_TABLE"),
            threading=read.text("THREADING_TABLE"),
            progress=read.text("PROGRESS_TABLE"),
            breakers=read.text("BREAKERS_TABLE"),
        ),
        queues=Queues(
            patches=read.text("PATCHES_QUEUE_URL"),
            discussions=read.text("DISCUSSIONS_QUEUE_URL"),
            threads=read.text("THREADS_QUEUE_URL"),
        ),
        bodies_bucket=read.text("BODIES_BUCKET"),
        patchwork_url=read.url("PATCHWORK_URL"),
        lore_url=read.url("LORE_URL"),
        projects=read.names("PROJECTS"),
        lists=read.names("LISTS"),
        user_agent=f"watchkeeper/1.0 (+{read.text('CONTACT')})",
        requests_per_second=read.positive("REQUESTS_PER_SECOND"),
    )
    read.complain()
    return settings


class Reader:
    """Collects everything that is wrong, so that one failure names all of it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._wrong: list[str] = []

    def text(self, name: str) -> str:
        value = self._environment.get(name, "").strip()
        if not value:
            self._wrong.append(f"{name} is not set")
        return value

    def url(self, name: str) -> str:
        value = self.text(name)
        if value and not value.startswith(("http://", "https://")):
            self._wrong.append(f"{name} is not an http(s) URL: {value}")
        return value

    def names(self, name: str) -> tuple[str, ...]:
        return tuple(sorted({part.strip() for part in self._environment.get(name, "").split(",")} - {""}))

    def positive(self, name: str) -> float:
        try:
            value = float(self.text(name))
        except ValueError:
            value = 0.0
        if value <= 0:
            self._wrong.append(f"{name} is not a number above 0")
        return value

    def whole(self, name: str) -> int:
        text = self.text(name)
        if text and not (text.isascii() and text.isdigit()):
            self._wrong.append(f"{name} is not a whole number of 0 or more")
            return 0
        return int(text or 0)

    def complain(self) -> None:
        if self._wrong:
            raise ConfigurationError("; ".join(self._wrong))
