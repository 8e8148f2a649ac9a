"""The costs are computed from docs/counted.json: what the benchmark counts now must be what it says."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TABLES = {"patches": ("patches",), "discussions": ("discussions", "threading")}
"""What each kind of reading writes once for each new thing, however many there are."""


SIZED = ("list", "export")
"""Operations that cost the more, the more there is."""
COMMITTED = REPOSITORY / "docs" / "counted.json"
COUNTED = ("ingest", "people", "markets", "observability")
ONLY = [argument for name in COUNTED for argument in ("--only", name)]
COUNT_ANEW = f'run: make bench ARGUMENTS="{" ".join(ONLY)} --output docs/counted.json", then make docs'


def results(report: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(report.read_text())["results"]
    return found


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """A few patches, mails, batches and metrics, counted in a process of its own."""
    report = tmp_path_factory.mktemp("counted") / "report.json"
    wanted = [sys.executable, "-m", "benchmarks", *ONLY, "--quick", "--output", str(report)]
    counting = subprocess.run(wanted, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert counting.returncode == 0, counting.stderr[-2000:]
    return results(report)


def units(result: Mapping[str, Any], phase: str, kind: str) -> dict[str, float]:
    reading = result[phase][kind]
    used = ((name, reading["by_table"][f"watchkeeper-test-{name}"]["write_units"]) for name in TABLES[kind])
    return {name: units / reading["new"] for name, units in used}


@pytest.mark.parametrize("phase", ["first_load", "hour"])
@pytest.mark.parametrize("kind", sorted(TABLES))
def test_a_new_item_costs_the_write_units_the_documents_reckon_with(
    now: Mapping[str, Any], phase: str, kind: str
) -> None:
    committed = results(COMMITTED)["ingest"]

    assert units(now["ingest"], phase, kind) == pytest.approx(units(committed, phase, kind), abs=0.1), COUNT_ANEW


def test_what_did_not_change_costs_the_tables_of_facts_nothing(now: Mapping[str, Any]) -> None:
    committed = results(COMMITTED)["ingest"]

    assert now["ingest"]["unchanged"]["fact_write_units"] == committed["unchanged"]["fact_write_units"] == 0


def test_what_a_person_does_costs_what_the_documents_say(now: Mapping[str, Any]) -> None:
    assert of_one_thing(now["people"]) == of_one_thing(results(COMMITTED)["people"]), COUNT_ANEW


def of_one_thing(people: Mapping[str, Any]) -> dict[str, Any]:
    return {name: cost for name, cost in people["operations"].items() if not name.startswith(SIZED)}


def test_what_the_markets_write_costs_what_the_documents_say(now: Mapping[str, Any]) -> None:
    assert of_one_asset(now["markets"]) == pytest.approx(of_one_asset(results(COMMITTED)["markets"]), abs=0.1), (
        COUNT_ANEW
    )


def of_one_asset(markets: Mapping[str, Any]) -> dict[str, float]:
    """Or of one report, or of what an article says of one asset. First pollenations cost more each quarter."""
    operations = markets["operations"]
    loads = {name: cost for name, cost in operations.items() if name.endswith(("first load", "unchanged", "changed"))}
    return {name: cost["fact_write_units"] / cost.get("mentions", cost["items"]) for name, cost in loads.items()}


@pytest.mark.parametrize("kind", ["operations", "facts", "projections"])
def test_what_is_observed_costs_what_the_documents_say(now: Mapping[str, Any], kind: str) -> None:
    assert now["observability"][kind] == results(COMMITTED)["observability"][kind], COUNT_ANEW
