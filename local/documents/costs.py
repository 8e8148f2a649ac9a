"""What it costs to run, computed from prices, measured sizes and the stages' schedules."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from local.documents.deployment import definitions, parameters
from local.documents.tables import definitions as tables
from local.workspace import REPOSITORY

FIGURES = REPOSITORY / "docs" / "costs.json"
"""Prices, what was measured, and what is assumed, each with its source."""

HOURS = 730
DAYS = 30.4
SMALLEST_CAPACITY = 5
"""Of a table or index in a provisioned stage, in each direction: services/ingest/resources/capacity.yml."""


@cache
def figures() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(FIGURES.read_text())
    return loaded


def price(name: str) -> float:
    return float(figures()["prices"][name])


def writing() -> str:
    """What a thousand patches and a thousand mails cost to store for the first time."""
    rows = []
    for thing, units in figures()["write_units"].items():
        total = sum(units.values())
        parts = ", ".join(f"{table} {count:.2f}" for table, count in units.items())
        events = 1000 * price("event")
        rows.append(
            f"| {thing} | {parts} | {total:.2f} | {_usd(1000 * total * price('write_unit'))} | {_usd(events)} |"
        )
    head = ["| 1,000 of | write units of each, by table | sum | DynamoDB | EventBridge |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def month() -> str:
    """A month of the assumed volume, line by line, on demand."""
    lines = _lines()
    rows = [f"| {name} | {how} | {_usd(dollars)} |" for name, (how, dollars) in lines.items()]
    total = sum(dollars for _, dollars in lines.values())
    return "\n".join(["| what | how much | $ a month |", "|---|---|---|", *rows, f"| **sum** | | **{_usd(total)}** |"])


def provisioned() -> str:
    """What the smallest provisioned capacity of every table and index costs, whatever is used."""
    indexes = sum(len(table.get("GlobalSecondaryIndexes", [])) for table in tables().values())
    units = SMALLEST_CAPACITY * (len(tables()) + indexes)
    dollars = units * (price("provisioned_write_hour") + price("provisioned_read_hour")) * HOURS
    millions = dollars / price("write_unit") / 1_000_000
    return (
        f"The floor of {len(tables())} tables and {indexes} indexes is {dollars:.2f} $ a month, whatever is used. "
        f"On demand, the same money is {millions:.0f} million write units."
    )


def _lines() -> dict[str, tuple[str, float]]:
    """How much of what, and what it costs."""
    return {**_of_tables(), **_of_functions(), **_of_the_rest()}


def _of_tables() -> dict[str, tuple[str, float]]:
    volume = _volume()
    writes, reads = _written(), volume["api_requests"] * volume["read_units_a_request"]
    kept = volume["stored_gigabytes"]
    return {
        "tables, writing": (f"{writes:,.0f} write units", writes * price("write_unit")),
        "tables, reading": (f"{reads:,.0f} read units", reads * price("read_unit")),
        "tables, keeping": (f"{kept} GB", kept * price("table_gigabyte")),
    }


def _of_functions() -> dict[str, tuple[str, float]]:
    volume = _volume()
    calls, seconds = _ingest_calls()
    reads, milliseconds = volume["api_requests"], volume["api_milliseconds"]
    checks = DAYS * 24 * 4
    return {
        "ingest functions": (f"{calls:,.0f} calls", _lambda(calls, seconds, "fetchMemory")),
        "api function": (
            f"{reads:,} calls of {milliseconds} ms",
            _lambda(reads, reads * milliseconds / 1000, "readMemory"),
        ),
        "check-freshness": (f"{checks:,.0f} calls", _lambda(checks, checks, "watchMemory")),
    }


def _of_the_rest() -> dict[str, tuple[str, float]]:
    volume = _volume()
    requests = 3 * _ingest_calls()[0] + _polls()
    events = int(volume["patches"] * (1 + volume["changes_of_a_patch"]) + volume["mails"])
    counted = {
        "HTTP API": (volume["api_requests"], "requests", "http_request"),
        "queues": (requests, "requests, nearly all of them polling", "sqs_request"),
        "events": (events, "entries", "event"),
        "metrics": (volume["custom_metrics"], "custom metrics", "custom_metric"),
        "alarms": (volume["alarms"], "alarms", "alarm"),
        "secrets": (1, "secret", "secret"),
        "logs": (volume["log_gigabytes"], "GB", "log_gigabyte"),
    }
    return {
        name: (f"{count:,.0f} {unit}" if count >= 1 else f"{count} {unit}", count * price(one))
        for name, (count, unit, one) in counted.items()
    }


def _lambda(calls: float, seconds: float, memory: str) -> float:
    gigabytes = int(parameters()[memory]) / 1024
    return calls * price("lambda_call") + seconds * gigabytes * price("lambda_gigabyte_second")


def _volume() -> Mapping[str, Any]:
    volume: Mapping[str, Any] = figures()["assumed_month"]
    return volume


def _written() -> float:
    """Units of new facts, of patches rewritten while their state and checks change, and of progress."""
    volume = _volume()
    units = {thing: sum(by_table.values()) for thing, by_table in figures()["write_units"].items()}
    patches = volume["patches"] * (1 + volume["changes_of_a_patch"]) * units["patches"]
    progress = _ingest_calls()[0] * volume["progress_units_a_call"]
    return float(patches + volume["mails"] * units["mails"] + progress)


def _ingest_calls() -> tuple[float, float]:
    """Calls and seconds of the fetching functions: each schedule hands out one message a source."""
    volume = _volume()
    recent, full = _schedules("recent") * DAYS * 24, _schedules("full") * DAYS
    sources = volume["sources_of_a_kind"]
    seconds = recent * volume["seconds_of_a_recent_reading"] + full * volume["seconds_of_a_full_reading"]
    return (recent + full) * (1 + sources), sources * seconds


def _schedules(mode: str) -> int:
    events = (event for function in definitions("ingest").values() for event in function["events"])
    return sum(event.get("eventBridge", {}).get("input") == {"mode": mode} for event in events)


def _polls() -> float:
    """Lambda asks each of the three queues with five long polls at a time, of twenty seconds each."""
    return 3 * 5 * HOURS * 3600 / 20


def _usd(dollars: float) -> str:
    return f"{dollars:.4f}" if dollars < 0.1 else f"{dollars:.2f}"
