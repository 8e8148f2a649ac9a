"""cfn-lint has nothing to say about the templates."""

import subprocess
import sys
from pathlib import Path

from tests.infra.packages import Package

IGNORED = {
    "W3005": "The framework writes dependencies that a reference implies already.",
}


def test_template_is_clean(package_of_service: Package) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    template = str(package_of_service.template_file)
    command = [str(linter), "--regions", "us-east-1", "--ignore-checks", *IGNORED, "--", template]

    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.stdout == ""
    assert checked.returncode == 0, checked.stderr
