"""What the handlers import, near or far, is in the zip or comes with the runtime."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.infra.packages import Package

BROUGHT_BY_THE_RUNTIME = {"boto3", "botocore"}
FIRST_PARTY = ("watchkeeper", "ingest", "api", "scheduler")


@dataclass(frozen=True)
class Zip:
    files: dict[str, bytes]

    def source_of(self, module: str) -> str | None:
        path = module.replace(".", "/")
        return next((name for name in (f"{path}.py", f"{path}/__init__.py") if name in self.files), None)

    def has(self, package: str) -> bool:
        return any(name.startswith((f"{package}/", f"{package}.")) for name in self.files)

    def imports(self, module: str) -> Iterator[str]:
        source = self.source_of(module)
        if source is not None:
            yield from imported(ast.parse(self.files[source]))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in runtime_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All but what only the type checker looks at."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from runtime_nodes(node)


def reachable(archive: Zip, module: str) -> set[str]:
    """Every module the first one leads to, through our own packages."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        if current.startswith(FIRST_PARTY):
            waiting += [*archive.imports(current), *parents(current)]
    return found


def parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def test_nothing_a_handler_imports_is_missing(package_of_service: Package) -> None:
    archive = Zip(package_of_service.zip_contents())
    handlers = {function["Handler"].rpartition(".")[0] for function in package_of_service.functions.values()}
    known = BROUGHT_BY_THE_RUNTIME | set(sys.stdlib_module_names)

    packages = {module.partition(".")[0] for handler in handlers for module in reachable(archive, handler)}

    assert {package for package in packages - known if not archive.has(package)} == set()
