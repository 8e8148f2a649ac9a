"""How fast and how dear Watchkeeper is, beside what others need for the same work: ``python -m benchmarks``."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SERVICES = ("ingest", "api", "scheduler")
SOURCES = (REPOSITORY / "libs" / "common" / "src", *(REPOSITORY / "services" / name for name in SERVICES), REPOSITORY)

sys.path[:0] = [str(path) for path in SOURCES if str(path) not in sys.path]
