"""The repository's documents, taken apart as far as tests ask about them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<text>.+)$", re.MULTILINE)
_CODE_SPAN = re.compile(r"`([^`\n]+)`")
_NO_ANCHOR = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Page:
    path: Path

    @cached_property
    def text(self) -> str:
        return (REPOSITORY / self.path).read_text()

    @property
    def prose(self) -> str:
        return _FENCE.sub("", self.text)

    @property
    def links(self) -> list[str]:
        return [found["target"] for found in _LINK.finditer(self.prose)]

    @property
    def code_spans(self) -> list[str]:
        return _CODE_SPAN.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """Of its headings, as GitHub makes them."""
        texts = (found["text"].lower() for found in _HEADING.finditer(self.prose))
        return {_NO_ANCHOR.sub("", text).replace(" ", "-") for text in texts}

    def fenced(self, language: str) -> list[str]:
        return [found["code"] for found in _FENCE.finditer(self.text) if found["language"] == language]

    @property
    def commands(self) -> Iterator[str]:
        """Lines of shell blocks, continued ones joined, comments taken off."""
        for block in self.fenced("sh"):
            for line in block.replace("\\\n", " ").splitlines():
                if command := line.partition(" #")[0].strip():
                    yield command


def pages() -> list[Page]:
    places = ("README.md", "docs/*.md", "services/*/README.md", "libs/*/README.md")
    return [Page(path.relative_to(REPOSITORY)) for place in places for path in sorted(REPOSITORY.glob(place))]
