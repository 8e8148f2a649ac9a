"""cfn-lint has nothing to say about the templates."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.infra.conftest import SERVICES
from tests.infra.packages import Package

IGNORED = {
    "W3005": "The framework writes dependencies that a reference implies already.",
}
OF_THE_ACCOUNT = Path("deployment") / "github.yml"
BAD = {"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"Size": 1}}}}

Complaints = Mapping[Path, list[str]]
"""By the template they are about."""


@pytest.fixture(scope="session")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    template = tmp_path_factory.mktemp("linted") / "bad.json"
    template.write_text(json.dumps(BAD))
    return template


@pytest.fixture(scope="session")
def complaints(
    packages: dict[str, Package], packages_of_staging: dict[str, Package], repository: Path, bad: Path
) -> Complaints:
    """Of one run: the linter takes longer to begin than to look at another template."""
    packaged = [one.template_file for found in (packages, packages_of_staging) for one in found.values()]
    return lint([*packaged, repository / OF_THE_ACCOUNT, bad])


def lint(templates: Iterable[Path]) -> Complaints:
    linter = Path(sys.executable).with_name("cfn-lint")
    found: dict[Path, list[str]] = {template: [] for template in templates}
    options = ["--regions", "us-east-1", "--format", "json", "--ignore-checks", *IGNORED]
    checked = subprocess.run(
        [str(linter), *options, "--", *map(str, found)], capture_output=True, text=True, check=False
    )
    for complaint in json.loads(checked.stdout):
        found[Path(complaint["Filename"])].append(complaint["Message"])
    return found


@pytest.mark.parametrize("stage", ["prod", "staging"])
@pytest.mark.parametrize("service", SERVICES)
def test_template_is_clean(
    packages: dict[str, Package],
    packages_of_staging: dict[str, Package],
    complaints: Complaints,
    service: str,
    stage: str,
) -> None:
    found = {"prod": packages, "staging": packages_of_staging}[stage]

    assert complaints[found[service].template_file] == []


def test_template_of_the_account_is_clean(complaints: Complaints, repository: Path) -> None:
    assert complaints[repository / OF_THE_ACCOUNT] == []


def test_a_template_that_is_not_clean_is_found(complaints: Complaints, bad: Path) -> None:
    assert [complaint for complaint in complaints[bad] if "Size" in complaint]
