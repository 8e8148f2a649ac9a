"""Powertools reads its settings when it is imported."""

import os

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "test")
