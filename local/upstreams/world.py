"""The sample world: two lists over eight weeks, always the same for a day and a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from local.upstreams.big import fill_big_world
from local.upstreams.conversations import Conversation, Outcome, relate
from local.upstreams.letters import Sender
from local.upstreams.live import LIST_DOMAIN, USERS, World
from local.upstreams.oddities import write_oddities
from local.upstreams.people import AUTHORS, MUNGED, RELAYED, RELAYED_ADDRESS
from local.upstreams.script import Script
from local.upstreams.sending import Sent, Style, Submission
from local.upstreams.topics import TOPICS, Topic

DEFAULT_SEED = 20
SPAN = timedelta(weeks=8)
_OUTCOMES: tuple[Outcome, ...] = (
    *("accepted", "accepted", "accepted", "accepted", "under-review", "under-review", "new", "new"),
    *("changes-requested", "rejected", "deferred", "not-applicable"),
)
_RELAYED_STYLE = Style(
    b4=True,
    shown_sender=Sender(f"{RELAYED.name} via B4 Relay", RELAYED_ADDRESS),
    headers=(("Reply-To", str(RELAYED)), ("X-Original-From", str(RELAYED))),
)


def build_world(
    seed: int = DEFAULT_SEED,
    start: datetime | None = None,
    now: datetime | None = None,
    *,
    clock: Callable[[], datetime] | None = None,
    server_zone: tzinfo = UTC,
) -> World:
    """
    History runs from `start` (eight weeks back) to the midnight, UTC, before `now` (the current time).

    The world's own clock runs on with real time, or with `clock`, from which later mails get their time.
    `server_zone` is the tracker's TIME_ZONE, in which it dates events and checks.
    """
    end = (now or datetime.now(UTC)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    script = Script(random.Random(seed), start or end - SPAN, end)  # noqa: S311  (invents, guards nothing)
    _write_topics(script)
    write_oddities(script)
    return script.perform(World(clock, server_zone))


def big_world(
    patches: int = 10_000,
    mails: int = 30_000,
    seed: int = DEFAULT_SEED,
    now: datetime | None = None,
    *,
    clock: Callable[[], datetime] | None = None,
) -> World:
    """A large plain world for load tests: patches in series, and replies to them, spread over a year."""
    end = (now or datetime.now(UTC)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return fill_big_world(World(clock), patches, mails, seed, end)


def _write_topics(script: Script) -> None:
    step = (script.end - script.start - timedelta(days=2)) / len(TOPICS)
    order = list(TOPICS)
    script.rng.shuffle(order)
    for index, topic in enumerate(order):
        jitter = timedelta(minutes=script.rng.randrange(0, 1200))
        _write_topic(script, topic, index, (script.start + index * step + jitter).replace(microsecond=0))


def _write_topic(script: Script, topic: Topic, index: int, first: datetime) -> None:
    author, style = _author(index, topic.lists[0])
    versions: list[Sent] = []
    at, count = first, script.rng.choice((1, 2, 2, 2, 3))
    while at < script.end - timedelta(hours=6) and len(versions) < count:
        older = versions[-1] if versions else None
        cover = len(topic.patches) > 1 and (index % 5 != 0)
        versions.append(Submission(topic, author, len(versions) + 1, at, cover, style, older).send(script))
        at = script.later(at, 70, 260)
    _write_replies(script, versions, script.rng.choice(_OUTCOMES))


def _munged_style(list_name: str) -> Style:
    """The list put its own address in From, because the sender's domain forbids others to forward."""
    shown = Sender(f"{MUNGED.name} via {list_name}", f"{list_name}@{LIST_DOMAIN}")
    return Style(shown_sender=shown, headers=(("Reply-To", str(MUNGED)), ("X-Original-From", str(MUNGED))))


def _author(index: int, list_name: str) -> tuple[Sender, Style]:
    """Some topics come in unusual ways; the rest is plain git send-email or b4."""
    special: dict[int, tuple[Sender, Style]] = {
        4: (RELAYED, _RELAYED_STYLE),
        15: (RELAYED, _RELAYED_STYLE),
        9: (MUNGED, _munged_style(list_name)),
        12: (AUTHORS[2], Style(tag="RFC")),
        18: (AUTHORS[5], Style(tag="RFC", tag_last=True)),
        22: (AUTHORS[7], Style(tag="RESEND")),
        25: (AUTHORS[3], Style(tag="RESEND", tag_last=True)),
        28: (AUTHORS[9], Style(in_reply_to_older=True)),
        31: (AUTHORS[1], Style(in_reply_to_older=True, b4=True)),
    }
    return special.get(index) or (AUTHORS[index % len(AUTHORS)], Style(b4=index % 3 == 0))


def _write_replies(script: Script, versions: Sequence[Sent], outcome: Outcome) -> None:
    for sent, newer in zip(versions, [*versions[1:], None], strict=True):
        talk = Conversation(script, sent)
        until = newer.at if newer else script.end
        talk.discuss(until)
        talk.check()
        if newer:
            talk.set_states("superseded", newer.at + timedelta(minutes=30), USERS[0])
            talk.archive(newer.at + timedelta(days=9))
        else:
            talk.delegate(script.later(sent.at, 1, 20))
            talk.conclude(outcome, script.later(sent.at, 30, 200))
            if outcome in ("new", "under-review"):
                talk.ping()
    if len(versions) > 1:
        relate(script, versions[-1].at + timedelta(hours=1), versions)
