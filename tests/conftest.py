"""What every test can rely on."""

import os

# Powertools reads these when a handler's module is imported, as Lambda's environment would have them.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Watchkeeper")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
