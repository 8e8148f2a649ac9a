"""Install the tools of this repository: the virtual environment, the npm packages and, on request, the local cloud.

Uses only Python's standard library, because it installs everything else. Installations that are up to date are left
alone: each stores the digest of the lock file it was made from.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
STAMP = ".made-from"


class Missing(Exception):
    """Something that has to be installed manually first."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Install the tools of this repository.")
    parser.add_argument("--cloud", action="store_true", help="the embedded local cloud, too")
    parser.add_argument("--checks", action="store_true", help="what checks the packaged templates, too")
    wanted = parser.parse_args()
    try:
        check_tools()
        prepare_development()
        if wanted.cloud:
            prepare_cloud()
        if wanted.checks:
            prepare_checks()
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        print(f"This failed, see above: {' '.join(map(str, failed.cmd))}", file=sys.stderr)
        return 1
    return 0


def check_tools() -> None:
    problems = [problem for check in (python_problem, node_problem, npm_problem) if (problem := check())]
    if problems:
        raise Missing("Missing:\n" + "\n".join(f"  - {problem}" for problem in problems))


def python_problem() -> str | None:
    if sys.version_info < OLDEST_PYTHON:
        return f"Python 3.11 or newer; this is {sys.version.split()[0]}. Name one: make PYTHON=python3.13 ..."
    try:
        import ensurepip
        import venv
    except ImportError:
        return "Python's venv module. On Debian and Ubuntu: apt install python3-venv"
    del ensurepip, venv
    return None


def node_problem() -> str | None:
    needed = "Node.js 20.19, 22.13 or 24 and newer (https://nodejs.org)"
    found = output_of("node", "--version")
    if not found:
        return needed
    version = tuple(int(number) for number in re.findall(r"\d+", found)[:2])
    return None if is_supported_node(version) else f"{needed}; this is {found}"


def is_supported_node(version: tuple[int, ...]) -> bool:
    return version >= (24,) or (22, 13) <= version < (23,) or (20, 19) <= version < (21,)


def npm_problem() -> str | None:
    return None if output_of("npm", "--version") else "npm, which comes with Node.js"


def output_of(*command: str) -> str:
    executable = shutil.which(command[0])
    if executable is None:
        return ""
    return subprocess.run([executable, *command[1:]], capture_output=True, text=True, check=False).stdout.strip()


def prepare_development() -> None:
    environment = REPOSITORY / ".venv"
    lock = REPOSITORY / "requirements" / "dev.txt"
    library = REPOSITORY / "libs" / "common" / "pyproject.toml"
    once(environment, [lock, library], lambda: install_python(environment, lock), "the Python packages")
    packages = REPOSITORY / "node_modules"
    once(packages, [REPOSITORY / "package-lock.json"], install_npm, "the npm packages")


def prepare_cloud() -> None:
    environment = REPOSITORY / ".local" / "ministack"
    lock = REPOSITORY / "requirements" / "ministack.txt"
    once(environment, [lock], lambda: install_python(environment, lock), "the local cloud")


def prepare_checks() -> None:
    environment = REPOSITORY / ".local" / "checkov"
    lock = REPOSITORY / "requirements" / "checkov.txt"
    once(environment, [lock], lambda: install_python(environment, lock), "the checks of the templates")


def once(target: Path, locks: list[Path], install: Callable[[], None], what: str) -> None:
    """Install unless the target was completely installed from exactly these lock files."""
    stamp = target / STAMP
    digest = hashlib.sha256(
        b"".join(lock.read_bytes() for lock in locks) + repr(sys.version_info[:2]).encode()
    ).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"Installing {what} ...", flush=True)
    install()
    stamp.write_text(digest)


def install_python(environment: Path, lock: Path) -> None:
    if not works(environment):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(lock)], check=True, cwd=REPOSITORY)


def works(environment: Path) -> bool:
    """Whether it was made by an interpreter of exactly this version, which still exists."""
    python = environment / "bin" / "python"
    if not python.exists():
        return False
    version = output_of(str(python), "-c", "import sys; print(*sys.version_info[:2])")
    return version == f"{sys.version_info.major} {sys.version_info.minor}"


def install_npm() -> None:
    npm = shutil.which("npm") or "npm"
    quiet = dict(os.environ, NPM_CONFIG_UPDATE_NOTIFIER="false")
    command = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, check=True, cwd=REPOSITORY, env=quiet)


if __name__ == "__main__":
    sys.exit(main())
