"""Runs the benchmarks: prints one table of figures, and writes all there is to know as JSON."""

import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import click

from benchmarks import REPOSITORY
from benchmarks.figures import Figure, table

NAMES = (
    *("mail", "api", "imports", "ingest", "people", "reminders", "markets", "observability", "histories"),
    *("lag", "memory", "packages"),
)
"""Those that measure time come before the one that fills this process."""
RESULTS = REPOSITORY / "benchmarks" / "results.json"

Result = dict[str, Any]


class Benchmark(Protocol):
    """What a module has to have."""

    QUICK: Mapping[str, Any]
    """Arguments of ``run`` with which it takes seconds and says little."""

    def run(self, **sizes: Any) -> Result: ...

    def figures(self, result: Result) -> Iterator[Figure]: ...


@click.command()
@click.option("--only", type=click.Choice(NAMES), multiple=True, help="run this one (repeatable)")
@click.option("--patches", type=click.IntRange(1), help="patches of the first load")
@click.option("--mails", type=click.IntRange(1), help="mails of the first load, patches among them")
@click.option("--quick", is_flag=True, help="tiny sizes, to see that everything runs")
@click.option("--strict", is_flag=True, help="fail when a target is missed")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS, help="the JSON file")
def main(
    only: Sequence[str], patches: int | None, mails: int | None, *, quick: bool, strict: bool, output: Path
) -> None:
    """Measure what Watchkeeper costs, beside what others need for the same work."""
    chosen = [name for name in NAMES if name in (only or NAMES)]
    given = {name: number for name, number in (("patches", patches), ("mails", mails)) if number is not None}
    results: dict[str, Result] = {}
    figures: list[Figure] = []
    for name in chosen:
        click.echo(f"{name} ...", err=True)
        benchmark = cast(Benchmark, import_module(f"benchmarks.{name}"))
        sizes = {**(benchmark.QUICK if quick else {}), **(given if name == "ingest" else {})}
        results[name] = benchmark.run(**sizes)
        figures += benchmark.figures(results[name])
    output.write_text(json.dumps(_report(figures, results), indent=2) + "\n")
    click.echo(table(figures))
    click.echo(f"\nAll of it is in {output}.")
    if strict and any(figure.ok is False for figure in figures):
        raise SystemExit(1)


def _report(figures: Iterable[Figure], results: Mapping[str, Result]) -> Result:
    machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    return {**machine, "figures": [figure.as_dict() for figure in figures], "results": dict(results)}


if __name__ == "__main__":
    main(prog_name="make bench")
