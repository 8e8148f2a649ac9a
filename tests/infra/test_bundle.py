"""What is in the zips: little, for the right machine, and quick to start."""

import struct
from pathlib import Path

from tests.infra.packages import Package

LARGEST = 8 * 1024 * 1024
BROUGHT_BY_THE_RUNTIME = ("boto3/", "botocore/", "s3transfer/")
DEVELOPMENT_ONLY = ("pytest", "moto/", "mypy", "tests/", "local/", "benchmarks/", "hypothesis/")
PAGES = {"api": {".css", ".html"}}
"""What else than code the services are made of."""
ELF_MACHINE = slice(18, 20)
ARM64 = 183
CACHE_TAG = "cpython-313"


def test_zip_is_small(package_of_service: Package) -> None:
    assert package_of_service.artifact.stat().st_size < LARGEST


def test_every_source_has_bytecode_of_the_runtime_that_never_goes_stale(package_of_service: Package) -> None:
    files = package_of_service.zip_contents()
    sources = [name for name in files if name.endswith(".py")]

    missing = [name for name in sources if bytecode_of(name) not in files]
    stale = [name for name in files if name.endswith(".pyc") and not any(files[name][4:8])]

    assert sources
    assert missing == []
    assert stale == []


def bytecode_of(source: str) -> str:
    folder, _, name = source.rpartition("/")
    cached = f"__pycache__/{name.removesuffix('.py')}.{CACHE_TAG}.pyc"
    return f"{folder}/{cached}" if folder else cached


def test_service_and_library_are_in_the_zip(package_of_service: Package) -> None:
    names = package_of_service.zip_contents().keys()

    assert f"{package_of_service.service}/__init__.py" in names
    assert "watchkeeper/__init__.py" in names


def test_what_is_no_code_is_in_the_zip_too(package_of_service: Package, repository: Path) -> None:
    service = package_of_service.service
    root = repository / "services" / service
    others = [path for path in (root / service).rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]

    assert {path.suffix for path in others} == PAGES.get(service, set())
    assert {path.relative_to(root).as_posix() for path in others} <= package_of_service.zip_contents().keys()


def test_handlers_are_in_the_zip(package_of_service: Package) -> None:
    names = package_of_service.zip_contents().keys()

    for function in package_of_service.functions.values():
        module = function["Handler"].rpartition(".")[0]
        assert module.replace(".", "/") + ".py" in names


def test_nothing_is_shipped_that_the_runtime_brings_along(package_of_service: Package) -> None:
    names = package_of_service.zip_contents()

    assert [name for name in names if name.startswith(BROUGHT_BY_THE_RUNTIME)] == []


def test_no_tests_and_no_development_tools_are_shipped(package_of_service: Package) -> None:
    names = package_of_service.zip_contents()

    assert [name for name in names if name.startswith(DEVELOPMENT_ONLY)] == []


def test_nothing_tells_where_the_zip_was_made(package_of_service: Package, repository: Path) -> None:
    files = package_of_service.zip_contents()

    assert [name for name, content in files.items() if str(repository).encode() in content] == []


def test_extension_modules_are_for_the_functions_processor(package_of_service: Package) -> None:
    files = package_of_service.zip_contents()
    machines = {
        name: struct.unpack("<H", content[ELF_MACHINE])[0] for name, content in files.items() if name.endswith(".so")
    }

    assert machines
    assert set(machines.values()) == {ARM64}
