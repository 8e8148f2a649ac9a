"""What there is below the watch's prefix, whichever of its two functions answers it.

Each function knows what the other one answers, so that a wrong method is told from a wrong path.
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
