"""The paths of the watch, whichever of its two functions serves them.

Each function knows the other's paths, so that it can tell a wrong method (405) from a wrong path (404).
"""

PREFIX = "/api/v1/observability"

VIEWER, DEVELOPER, ADMIN = "Viewer", "Developer", "Admin"

COMMANDS = (
    "/metrics",
    "/alert-rules",
    "/alert-rules/<rule_id>/retire",
    "/alerts/<alert_id>/acknowledge",
    "/alerts/<alert_id>/resolve",
    "/security-events",
    "/security-events/<security_event_id>/triage",
    "/security-events/<security_event_id>/close",
)
"""They take ``POST``."""

QUERIES = (
    "/metrics",
    "/metrics/<name>/series",
    "/alert-rules",
    "/alert-rules/<rule_id>",
    "/alerts",
    "/alerts/<alert_id>",
    "/alerts/<alert_id>/history",
    "/alert-history",
    "/security-events",
    "/security-events/<security_event_id>",
    "/health",
    "/errors",
)
"""They take ``GET``."""
