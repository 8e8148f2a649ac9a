"""Links to the same things on other sites."""

import re
from dataclasses import dataclass
from urllib.parse import quote

_AS_IT_STANDS = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@]+")
_SAFE = "-._~!$&'()*+,;=:@"


@dataclass(frozen=True, slots=True)
class Links:
    patchwork_url: str
    lore_url: str

    def mail(self, message_id: str) -> str:
        """public-inbox redirects this form to a list that has the mail."""
        return f"{self.lore_url}/{_segment(message_id)}/"

    def patch(self, project: str, message_id: str) -> tuple[str, str]:
        """The patch in Patchwork, and its mail."""
        segment = _segment(message_id)
        return f"{self.patchwork_url}/project/{project}/patch/{segment}/", f"{self.lore_url}/{segment}/"

    def cover(self, project: str, message_id: str) -> str:
        return f"{self.patchwork_url}/project/{project}/cover/{_segment(message_id)}/"

    def series(self, project: str, series_id: int) -> str:
        return f"{self.patchwork_url}/project/{project}/list/?series={series_id}"


def _segment(message_id: str) -> str:
    """Both sites accept a slash as ``%2F`` only."""
    return message_id if _AS_IT_STANDS.fullmatch(message_id) else quote(message_id, safe=_SAFE)
