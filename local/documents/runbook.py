"""The runbook: what each alarm means and what to do, from the table the alarms are made from."""

from collections.abc import Iterator, Mapping
from functools import cache
from textwrap import fill
from typing import Any

import yaml

from local.workspace import REPOSITORY

Rule = Mapping[str, Any]

_HEAD = """\
# Runbook

What to do when an alarm rings. Staging and prod have alarms; all tell the topic `watchkeeper-<stage>-alarms`. An alarm
is named `watchkeeper-<stage>-<what>-<alarm>`, as in `watchkeeper-prod-fetch-patches-errors`. The dashboards
`watchkeeper-<stage>-ingest`, `-api` and `-scheduler` show what they watch, and which of them ring.
The commands are those for prod; set other stages' names in its place.

This document is made by `make docs` from [alarms.yml](../alarms.yml): change thresholds and texts there. Whatever a
service packages gets its alarms from that table by itself ([libs/operations](../libs/operations/index.js)).
"""

_EACH = {
    "function": "each function",
    "api function": "each function of the API",
    "stream function": "each function behind a table's stream",
    "asynchronous function": "each function whose failures are kept",
    "schedule": "each schedule",
    "event rule": "each rule that passes events on",
    "http api": "the HTTP API",
    "table": "each table, its indexes included",
    "state machine": "the state machine of projections",
    "work queue": "each queue of work",
    "dead-letter queue": "each queue of dead letters, and `failures`",
    "upstream": "each upstream",
    "keyed upstream": "each upstream that asks for a key of ours",
    "push service": "Expo, where reminders are pushed to",
    "source": "each project and list",
    "market source": "assets, earnings calendar and news",
    "market table": "assets, earnings calendar, news and fundamentals",
}
_MISSING = {"notBreaching": "no data is well", "breaching": "no data is not well"}


@cache
def rules() -> Mapping[str, Rule]:
    """The table of alarms, by name."""
    loaded: Mapping[str, Rule] = yaml.safe_load((REPOSITORY / "alarms.yml").read_text())
    return loaded


def runbook() -> str:
    return "\n".join([_HEAD, _overview(), *(_section(name, rule) for name, rule in rules().items())])


def _overview() -> str:
    rows = [f"| [{name}](#{name}) | {_EACH[rule['watches']]} | {_limit(rule)} |" for name, rule in rules().items()]
    return "\n".join(["| alarm | of | rings above |", "|---|---|---|", *rows, ""])


def _section(name: str, rule: Rule) -> str:
    meaning = _wrapped(f"**{rule['title']}.** {rule['means']}")
    return "\n".join([f"## {name}", "", meaning, "", _wrapped(_condition(rule)), "", *_steps(rule)])


def _limit(rule: Rule) -> str:
    own = "".join(f", {name} {limit:,}" for name, limit in rule.get("thresholds", {}).items())
    return f"{rule['threshold']:,} {rule['unit']}{own}"


def _condition(rule: Rule) -> str:
    measure = f"`{rule['metric']}` of `{rule['namespace']}`, {rule['statistic'].lower()} of {rule['period']} seconds"
    times = f"{rule['datapoints']} of {rule['periods']}" if rule["periods"] > 1 else "once"
    return f"Rings above {_limit(rule)}: {measure}, {times}; {_MISSING[rule['missing']]}."


def _steps(rule: Rule) -> Iterator[str]:
    yield from ["Look at:", "", *_items(rule["look"]), ""]
    yield from ["Do:", "", *_items(rule["do"]), ""]
    if "commands" in rule:
        yield from ["```sh", *rule["commands"], "```", ""]


def _items(texts: list[str]) -> list[str]:
    return [_wrapped(f"- {text}", "  ") for text in texts]


def _wrapped(text: str, indent: str = "") -> str:
    return fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
