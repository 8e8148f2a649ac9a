"""Write a zip anew so that the same sources always make the same bytes, with bytecode that stays valid.

Run by the interpreter the functions will run on: bytecode is good for one version only. What pip compiled is thrown
away: it names the folder it was made in, and depends on what else was compiled before.
"""

import importlib.util
import marshal
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
UNCHECKED_HASH = (1).to_bytes(4, "little")
INSTALLER_NOTES = ("direct_url.json", "INSTALLER", "RECORD", "REQUESTED", "WHEEL")
BUILT_HERE = "watchkeeper-"
"""What its distribution's files say depends on the version of the tool that built them."""


def main() -> None:
    if os.environ.get("PYTHONHASHSEED") != "0":
        raise SystemExit("Constants that are sets are written in the order of their hashes: set PYTHONHASHSEED=0")
    for name in sys.argv[1:]:
        complete(Path(name))


def complete(artifact: Path) -> None:
    """Rewrite the zip with all of its bytecode, and without what the machine it was made on left in it."""
    with zipfile.ZipFile(artifact) as archive:
        files = {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}
    kept = {name: content for name, content in sorted(files.items()) if not (name.endswith(".pyc") or is_note(name))}
    with tempfile.TemporaryDirectory(dir=artifact.parent) as folder:
        rewritten = Path(folder, artifact.name)
        write(rewritten, kept | dict(compiled(kept)))
        shutil.move(rewritten, artifact)


def is_note(name: str) -> bool:
    """What pip and the build tool write down about the machine they ran on, and themselves."""
    folder, _, file = name.rpartition("/")
    return folder.endswith(".dist-info") and (file in INSTALLER_NOTES or name.startswith(BUILT_HERE))


def compiled(files: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """One after the other, in the order of their names: what is written of a constant depends on what came before."""
    for name, source in files.items():
        if name.endswith(".py"):
            yield importlib.util.cache_from_source(name), bytecode(source, name)


def bytecode(source: bytes, name: str) -> bytes:
    """As PEP 552 has it, never to be compared with the source."""
    code = compile(source, name, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + importlib.util.source_hash(source) + marshal.dumps(code)


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
