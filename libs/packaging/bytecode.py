"""Give every Python source in a zip bytecode that stays valid whatever date the archive gives the source.

Run by the interpreter the functions will run on: bytecode is good for one version only.
"""

import importlib.util
import py_compile
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
FLAGS = slice(4, 8)
INSTALLER_NOTES = ("direct_url.json", "INSTALLER", "RECORD", "REQUESTED")


def main() -> None:
    for name in sys.argv[1:]:
        complete(Path(name))


def complete(artifact: Path) -> None:
    """Rewrite the zip with the bytecode it lacks and without what would be stale."""
    with zipfile.ZipFile(artifact) as archive:
        files = {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}
    kept = {name: content for name, content in files.items() if not (is_stale(name, content) or is_note(name))}
    with tempfile.TemporaryDirectory(dir=artifact.parent) as folder:
        rewritten = Path(folder, artifact.name)
        write(rewritten, kept | dict(missing_bytecode(kept)))
        shutil.move(rewritten, artifact)


def is_stale(name: str, content: bytes) -> bool:
    """Bytecode of another version, or that remembers the date of its source."""
    if not name.endswith(".pyc"):
        return False
    return not name.endswith(f".{sys.implementation.cache_tag}.pyc") or not any(content[FLAGS])


def is_note(name: str) -> bool:
    """What pip writes down about the machine it ran on."""
    return ".dist-info/" in name and name.endswith(INSTALLER_NOTES)


def missing_bytecode(files: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for name, source in files.items():
        if name.endswith(".py") and (target := importlib.util.cache_from_source(name)) not in files:
            yield target, bytecode(source, name)


def bytecode(source: bytes, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "source.py")
        path.write_bytes(source)
        compiled = py_compile.compile(
            str(path), dfile=name, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        assert compiled is not None
        return Path(compiled).read_bytes()


def write(path: Path, files: dict[str, bytes]) -> None:
    """The same files make the same zip, so that an unchanged service is not deployed again."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)


if __name__ == "__main__":
    main()
