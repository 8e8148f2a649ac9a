import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ferments.sharing import pages
from api.ferments.sharing.shared import public_view
from watchkeeper.ferments.models import Batch, BatchStatus, Stage, Timing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
URL = "https://api.example.org/api/v1/public/b/B1"
VOID = {"meta", "link", "img"}
ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></head><body onload=alert(1)>",
    "</style><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "&lt;script&gt;",
    "<!--",
    "]]>",
]


def page(now: datetime = NOON + timedelta(hours=50), **more: object) -> str:
    known = {"name": "Ginger", "stage1": Timing(NOON, 48)} | more
    batch = Batch(id="B1", user="ann", created_at=NOON, updated_at=NOON, **known)  # type: ignore[arg-type]
    return pages.batch_page(public_view(batch, URL, now))


class Seen(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, str] = {}
        """By the element they are in."""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        where = self.open[-1] if self.open else ""
        self.texts[where] = self.texts.get(where, "") + data

    def meta(self, name: str) -> str | None:
        return next(
            (
                about["content"]
                for tag, about in self.tags
                if tag == "meta" and name in (about.get("property"), about.get("name"))
            ),
            None,
        )

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(about)) for tag, about in self.tags]


PLAIN = Seen(page(public_note="n", fruits=("f",))).shape()


@pytest.mark.parametrize("attack", ATTACKS)
def test_texts_stay_texts(attack: str) -> None:
    seen = Seen(page(name=attack, public_note=attack, fruits=(attack,)))

    assert seen.shape() == PLAIN
    assert seen.texts["h1"] == attack
    assert seen.meta("og:title") == attack
    assert attack in seen.texts["p"]
    assert seen.texts["li"] == attack


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1))
def test_no_text_becomes_markup(text: str) -> None:
    seen = Seen(page(name=text, public_note=f"n{text}", fruits=(text,)))

    assert seen.shape() == PLAIN
    assert seen.meta("og:title") == text
    assert seen.open == []


def test_it_says_what_links_show() -> None:
    seen = Seen(page(name="Ginger & lemon", public_note="Best\nso far", stage=Stage.OPEN))

    assert seen.meta("og:title") == "Ginger & lemon"
    assert seen.meta("og:description") == "Water kefir: open ferment, fermenting, going for 2 days. Best so far"
    assert seen.meta("og:url") == URL
    assert seen.meta("og:type") == "website"
    assert seen.meta("twitter:card") == "summary"
    assert ("link", {"rel": "canonical", "href": URL}) in seen.tags


def test_a_long_note_is_cut_for_links_alone() -> None:
    seen = Seen(page(public_note="x" * 500))

    assert len(seen.meta("og:description") or "") == 200
    assert "x" * 500 in seen.texts["p"]


def test_it_can_be_read_by_everybody() -> None:
    seen = Seen(page(public_note="A note", fruits=("figs", "lemon")))
    names = [tag for tag, _ in seen.tags]

    assert seen.tags[0] == ("html", {"lang": "en"})
    assert seen.meta("viewport") == "width=device-width, initial-scale=1"
    assert (names.count("h1"), names.count("main"), names.count("title")) == (1, 1, 1)
    assert names.count("dt") == names.count("dd") > 5
    assert all(about.get("alt") for tag, about in seen.tags if tag == "img")
    assert [about["dir"] for tag, about in seen.tags if tag in ("h1", "li")] == ["auto"] * 3


def test_it_shows_what_is_known_and_nothing_else() -> None:
    full = Seen(
        page(
            stage=Stage.BOTTLED,
            status=BatchStatus.ACTIVE,
            stage2=Timing(NOON + timedelta(hours=48), 36.5),
            water_ml=1000,
            sugar_g=80.5,
            temperature_c=21.0,
            bottle_count=3,
        )
    )

    assert full.texts["dt"] == ("StageStatusGoing forStage beganPlanned forPlanned untilTemperatureWaterSugarBottles")
    assert full.texts["dd"].endswith("In bottlesFermenting2 days36.5 hours21 °C1000 ml80.5 g3")
    assert full.texts["time"] == "22 November 2026, 12:00 UTC24 November 2026, 00:30 UTC"
    assert Seen(page(stage1=Timing(), status=BatchStatus.DONE)).texts["dt"] == "StageStatus"


def test_the_policy_lets_its_own_style_through_and_no_script() -> None:
    for text in (page(), pages.missing_page()):
        seen = Seen(text)
        style = b64encode(sha256(seen.texts["style"].encode()).digest()).decode()

        assert f"style-src 'sha256-{style}'" in pages.policy()
        assert "script" not in [tag for tag, _ in seen.tags]
        assert not any(name.startswith("on") or name == "style" for _, about in seen.tags for name in about)
    assert "script-src" not in pages.policy()
    assert pages.policy().startswith("default-src 'none';")
    assert "unsafe" not in pages.policy()


def test_it_asks_nobody_else() -> None:
    links = [about.get("src") or about.get("href") for _, about in Seen(page()).tags]

    assert [link for link in links if link] == [URL, "B1/qr.svg"]


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    def part(start: int) -> float:
        value = int(colour[start : start + 2], 16) / 255
        return value / 12.92 if value <= 0.03928 else float(((value + 0.055) / 1.055) ** 2.4)

    return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_its_colours_can_be_told_apart_by_day_and_night() -> None:
    style = (Path(pages.__file__).parent / "templates" / "style.css").read_text()
    day, night = style.split("@media (prefers-color-scheme: dark)")

    for scheme in (colours(day), colours(night)):
        assert contrast(scheme["ink"], scheme["paper"]) >= 7
        assert contrast(scheme["quiet"], scheme["paper"]) >= 4.5, "WCAG 2.2 AA"
