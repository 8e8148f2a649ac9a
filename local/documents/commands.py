"""The Makefile's targets, as ``make help`` describes them."""

import re

from local.workspace import REPOSITORY

_TARGET = re.compile(r"(?P<name>[a-z0-9-]+):[^#]*## (?P<meaning>.+)")


def described() -> dict[str, str]:
    """Targets with a description, in the Makefile's order."""
    lines = (REPOSITORY / "Makefile").read_text().splitlines()
    return {found["name"]: found["meaning"] for line in lines if (found := _TARGET.match(line))}


def targets() -> str:
    rows = [f"| `make {name}` | {_in_a_cell(meaning)} |" for name, meaning in described().items()]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def _in_a_cell(text: str) -> str:
    return text.replace("|", "\\|")
