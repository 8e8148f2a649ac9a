"""What every test can rely on."""

import os

# Powertools reads it when a handler's module is imported, as from Lambda's environment.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
