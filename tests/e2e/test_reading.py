"""What a client of the deployed API gets to read: all that the upstreams have."""

from collections import Counter
from typing import Any

import pytest

from local.upstreams import HWMON, LISTS, World, oddities
from tests.e2e.api import Api, segment
from tests.e2e.system import System


@pytest.fixture
def world(system: System) -> World:
    return system.upstreams.world


def test_every_patch_is_served_as_patchwork_has_it(api: Api, world: World) -> None:
    served = {patch["id"]: patch for patch in api.items("patches")}

    assert served.keys() == world.tracker.patches.keys()
    for patch_id, patch in world.tracker.patches.items():
        shown = served[patch_id]
        assert (shown["project"], shown["message_id"]) == (patch.project.link_name, patch.mail.message_id)
        assert (shown["state"], shown["archived"]) == (patch.state, patch.archived)
        assert shown["series_id"] == (patch.series.id if patch.series else None)
        assert (shown["version"], shown["number"]) == (patch.subject.version, patch.number)


def test_a_patch_comes_with_its_text_and_its_diff(api: Api, world: World) -> None:
    for patch_id, patch in world.tracker.patches.items():
        shown = api.read(f"patches/{patch_id}")
        assert shown["mail_known"]
        assert shown["hash"] == patch.hash
        assert ("diff --git" in (shown["diff"] or "")) == ("diff --git" in (patch.diff or ""))


def test_paging_shows_every_patch_once_and_newest_first(api: Api, world: World) -> None:
    pages = list(api.pages("patches", limit=7))

    shown = [patch["id"] for page in pages for patch in page]
    assert sorted(shown) == sorted(world.tracker.patches)
    assert len(pages) > 20
    dates = [patch["date"] for page in pages for patch in page if patch["date"] < f"{world.now():%Y-%m-%d}"]
    assert dates == sorted(dates, reverse=True)


def test_filters_choose_among_the_patches(api: Api, world: World) -> None:
    tracked = world.tracker.patches.values()
    wanted = {one.id for one in tracked if one.project.link_name == HWMON and one.state in ("new", "accepted")}

    assert {patch["id"] for patch in api.items("patches", project=HWMON, state="new,accepted")} == wanted


def test_every_mail_is_served_with_the_lists_it_was_on(api: Api, world: World) -> None:
    for name in LISTS:
        for message in world.archive.inboxes[name].messages:
            assert any(name in mail["lists"] for mail in api.mails(message.mail.message_id))


def test_every_reply_is_under_the_patch_it_answers(api: Api, world: World) -> None:
    for patch_id, patch in world.tracker.patches.items():
        answer = api.read(f"patches/{patch_id}/discussions", view="flat")
        shown = {mail["message_id"] for mail in answer["discussions"]}
        assert {comment.mail.message_id for comment in patch.comments} <= shown


def test_replies_hang_below_what_they_answer(api: Api, world: World) -> None:
    patch = max(world.tracker.patches.values(), key=lambda patch: len(patch.comments))

    answer = api.read(f"patches/{patch.id}/discussions")

    parents = dict(_parents(answer["discussions"], patch.mail.message_id))
    assert len(parents) == answer["mails"] >= len(patch.comments) > 2
    for comment in patch.comments:
        assert parents[comment.mail.message_id] == comment.mail.references[0]


def _parents(nodes: list[dict[str, Any]], parent: str) -> list[tuple[str, str]]:
    below = [pair for node in nodes for pair in _parents(node["replies"], node["message_id"])]
    return [(node["message_id"], parent) for node in nodes] + below


def test_threads_are_those_of_the_archive(api: Api, world: World) -> None:
    everything = world.archive.everything
    left = {message.mail.message_id for message in everything.messages}
    while left:
        message_id = min(left)
        linked = {message.mail.message_id for message in everything.linked(message_id)}
        thread = api.read(f"threads/{segment(message_id)}", view="flat")
        assert {mail["message_id"] for mail in thread["discussions"]} == linked
        left -= linked


def test_every_series_is_served_with_its_patches_in_order(api: Api, world: World) -> None:
    for series_id, series in world.tracker.series.items():
        shown = api.read(f"series/{series_id}")
        patches = sorted(series.patches, key=lambda patch: patch.number)
        assert [patch["id"] for patch in shown["patches"]] == [patch.id for patch in patches]
        assert shown["received_all"] == series.received_all
        assert (shown["cover"] or {}).get("id") == (series.cover.id if series.cover else None)


def test_a_person_is_known_by_address_with_patches_and_reviews(api: Api, world: World) -> None:
    counted = Counter(patch.submitter.email.lower() for patch in world.tracker.patches.values())
    [(address, patches)] = counted.most_common(1)
    names = {patch.submitter.name for patch in world.tracker.patches.values() if patch.submitter.email == address}

    assert api.read(f"people/{segment(address)}")["name"] in names
    assert len(api.items(f"people/{segment(address)}/patches")) == patches


def test_a_reviewer_is_known_by_the_reviews(api: Api) -> None:
    tags = (tag for patch in api.items("patches") for tag in api.read(f"patches/{patch['id']}")["tags"])
    tag = next(tag for tag in tags if tag["name"] == "Reviewed-by" and tag["by_sender"])

    reviews = api.items(f"people/{segment(tag['address'])}/reviews")

    assert tag["message_id"] in {mail["message_id"] for mail in reviews}


def test_statistics_count_every_patch_and_every_mail_once(api: Api, system: System) -> None:
    figures = api.read("stats")

    tracked = system.upstreams.world.tracker.patches.values()
    assert figures["patches"]["states"] == Counter(patch.state for patch in tracked)
    assert sum(week["total"] for week in figures["patches"]["weeks"]) == len(tracked)
    stored = list(system.tables.items("discussions"))
    assert figures["mail"]["mails"] == sum(figures["mail"]["kinds"].values()) == len(stored)


def test_everything_is_fresh(api: Api) -> None:
    freshness = api.read("freshness")

    assert freshness["complete"]
    assert {source["name"] for source in freshness["sources"]} >= {
        f"{kind}:{name}" for kind in ("patchwork", "lore") for name in LISTS
    }
    assert max(source["age_seconds"] for source in freshness["sources"] if source["watched"]) < 600


@pytest.mark.parametrize("path", ["patches/by-message-id", "threads", "discussions"])
@pytest.mark.parametrize("written", [segment(oddities.SLASHED_ID), oddities.SLASHED_ID, f"<{oddities.SLASHED_ID}>"])
def test_a_message_id_with_slashes_is_found_however_it_is_written(api: Api, path: str, written: str) -> None:
    answer = api.read(f"{path}/{written}")

    assert oddities.SLASHED_ID in str(answer)


def test_a_message_id_used_again_leads_to_all_its_mails(api: Api, world: World) -> None:
    assert len(api.mails(oddities.REUSED_ID)) == len(world.archive.inboxes[HWMON].named(oddities.REUSED_ID)) > 1


def test_a_huge_mail_is_served_whole(api: Api) -> None:
    [mail] = api.mails(oddities.HUGE_ID)

    assert len(mail["text"]) + len(mail["diff"] or "") > 400_000
    assert not mail["truncated"]
