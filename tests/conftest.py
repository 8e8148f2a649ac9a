"""What every test can rely on."""

import os

# Powertools reads it when a handler's module is imported, as Lambda's environment would have them.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
