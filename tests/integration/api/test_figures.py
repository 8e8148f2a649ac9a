from datetime import timedelta
from typing import Any

import pytest

from tests.integration.api.builders import NOON
from tests.integration.api.conftest import Get
from watchkeeper.progress import LIVE, Gap, ProgressRepository, Run, Source


def mails(positive: int, neutral: int, negative: int, total: float, **kinds: int) -> dict[str, Any]:
    return {
        "mails": positive + neutral + negative,
        "kinds": kinds,
        "stances": {"approval": positive},
        "sentiment": {"positive": positive, "neutral": neutral, "negative": negative, "sum": total},
    }


@pytest.fixture
def weeks(progress: ProgressRepository) -> None:
    hwmon = [("2026-W26", {"states": {"new": 3, "accepted": 1}}), ("2026-W28", {"states": {"new": 2}})]
    progress.put_weeks("patches#linux-hwmon", hwmon)
    progress.put_weeks("patches#linux-leds", [("2026-W26", {"states": {"accepted": 5}})])
    progress.put_weeks("mail#linux-hwmon", [("2026-W26", mails(2, 1, 1, 0.5, review=3, patch=1))])
    leds = [("2026-W26", mails(0, 0, 1, -0.75, reply=1)), ("2026-W27", mails(0, 4, 0, 0.0, bot=4))]
    progress.put_weeks("mail#linux-leds", leds)


@pytest.mark.usefixtures("weeks")
class TestStatistics:
    def test_patches_are_counted_by_state_project_and_week(self, get: Get) -> None:
        patches = get("/stats").json["patches"]

        assert (patches["total"], patches["states"]) == (11, {"new": 5, "accepted": 6})
        assert patches["projects"] == {"linux-hwmon": {"new": 5, "accepted": 1}, "linux-leds": {"accepted": 5}}
        assert patches["weeks"] == [
            {"week": "2026-W26", "total": 9, "states": {"new": 3, "accepted": 6}},
            {"week": "2026-W28", "total": 2, "states": {"new": 2}},
        ]

    def test_mails_are_counted_and_how_they_sound_over_time(self, get: Get) -> None:
        mail = get("/stats").json["mail"]

        assert (mail["mails"], mail["lists"]) == (9, {"linux-hwmon": 4, "linux-leds": 5})
        assert mail["kinds"] == {"review": 3, "patch": 1, "reply": 1, "bot": 4}
        assert [(week["week"], week["mails"], week["sentiment"]["mean"]) for week in mail["weeks"]] == [
            ("2026-W26", 5, -0.05),
            ("2026-W27", 4, 0.0),
        ]
        assert mail["sentiment"] == {"positive": 2, "neutral": 5, "negative": 2, "mean": round(-0.25 / 9, 4)}

    def test_a_span_of_weeks_may_be_asked_for_by_week_or_day(self, get: Get) -> None:
        by_week, by_day = (
            get("/stats?since=2026-W27&until=2026-W28").json,
            get("/stats?since=2026-06-29&until=2026-07-12"),
        )

        assert by_week == by_day.json
        assert (by_week["patches"]["total"], by_week["mail"]["mails"]) == (2, 4)

    @pytest.mark.parametrize(
        ("query", "patches"), [("since=&until=", 11), ("since=0001-01-01", 11), ("until=0500-01-01", 0)]
    )
    def test_a_span_may_be_open_or_start_long_ago(self, get: Get, query: str, patches: int) -> None:
        assert get(f"/stats?{query}").json["patches"]["total"] == patches

    def test_one_project_or_list_may_be_asked_for(self, get: Get) -> None:
        answer = get("/stats?project=linux-leds&list=linux-hwmon").json

        assert (answer["patches"]["total"], answer["mail"]["mails"]) == (5, 4)

    @pytest.mark.parametrize(
        "query",
        [
            "project=linux-mm",
            "list=lkml",
            "since=then",
            "since=2026-W99",
            "until=2025-W53",
            "since=2026-W20&until=2026-W10",
        ],
    )
    def test_nonsense_is_refused(self, get: Get, query: str) -> None:
        assert get(f"/stats?{query}").status == 422


def test_without_figures_everything_is_zero(get: Get) -> None:
    answer = get("/stats").json

    assert (answer["patches"]["total"], answer["patches"]["weeks"]) == (0, [])
    assert answer["mail"]["sentiment"]["mean"] is None


SOURCES = ["patchwork:linux-hwmon", "patchwork:linux-leds", "lore:linux-hwmon", "lore:linux-leds"]


class TestFreshness:
    def test_before_anything_is_read_nothing_is_claimed(self, get: Get) -> None:
        answer = get("/freshness").json

        assert (answer["as_of"], answer["complete"]) == (None, False)
        assert sorted(source["name"] for source in answer["sources"]) == sorted(SOURCES)
        assert {source["phase"] for source in answer["sources"]} == {"loading"}

    def test_everything_is_as_fresh_as_its_oldest_source(self, get: Get, progress: ProgressRepository) -> None:
        for age, name in enumerate(SOURCES):
            progress.save(Source(name, LIVE, last_success=NOON - timedelta(hours=age)))

        answer = get("/freshness")

        assert (answer.json["as_of"], answer.json["complete"]) == ("2026-07-10T09:00:00Z", True)
        assert all(source["age_seconds"] > 0 for source in answer.json["sources"])
        assert answer.headers["Cache-Control"] == "no-cache"

    def test_trouble_is_told(self, get: Get, progress: ProgressRepository) -> None:
        progress.save(
            Source(
                "lore:linux-leds",
                LIVE,
                {"received": 1783684800},
                Run("run-1", "recent", NOON, fetched=7, stored=5, unchanged=1, refused=1),
                NOON,
                "UpstreamBlocked",
                NOON,
                NOON,
                (Gap(NOON, "three mails could not be read"),),
            )
        )

        (source,) = [one for one in get("/freshness").json["sources"] if one["name"] == "lore:linux-leds"]

        assert source["position"] == {"received": 1783684800}
        assert (source["error"], source["failing_since"]) == ("UpstreamBlocked", "2026-07-10T12:00:00Z")
        assert source["gaps"] == [{"since": "2026-07-10T12:00:00Z", "reason": "three mails could not be read"}]
        assert source["run"]["stored"] == 5
        assert source["run"]["finished_at"] is None

    def test_a_source_no_longer_watched_counts_no_more(self, get: Get, progress: ProgressRepository) -> None:
        progress.save(Source("lore:old-list", error="gone"))
        for name in SOURCES:
            progress.save(Source(name, LIVE, last_success=NOON))

        answer = get("/freshness").json

        assert answer["complete"]
        assert [source["name"] for source in answer["sources"] if not source["watched"]] == ["lore:old-list"]
