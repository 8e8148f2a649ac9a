"""cfn-lint has nothing to say about the templates."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.conftest import SERVICES
from tests.infra.packages import Package

IGNORED = {
    "W3005": "The framework writes dependencies that a reference implies already.",
}


@pytest.mark.parametrize("stage", ["prod", "staging"])
@pytest.mark.parametrize("service", SERVICES)
def test_template_is_clean(
    packages: dict[str, Package], packages_of_staging: dict[str, Package], service: str, stage: str
) -> None:
    found = {"prod": packages, "staging": packages_of_staging}[stage]

    assert_clean(found[service].template_file)


def test_template_of_the_account_is_clean(repository: Path) -> None:
    assert_clean(repository / "deployment" / "github.yml")


def assert_clean(template: Path) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    command = [str(linter), "--regions", "us-east-1", "--ignore-checks", *IGNORED, "--", str(template)]

    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.stdout == ""
    assert checked.returncode == 0, checked.stderr
