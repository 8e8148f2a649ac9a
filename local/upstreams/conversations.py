"""People's replies to patches, and what maintainers do with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from local.upstreams import phrases
from local.upstreams.letters import Letter, Sender, quoted
from local.upstreams.live import LEDS, USERS
from local.upstreams.people import HWMON_MAINTAINER, LEDS_MAINTAINER, REVIEWERS
from local.upstreams.script import Action, PatchAction, Script
from local.upstreams.sending import Sent
from local.upstreams.tracked import User

Outcome = Literal[
    "accepted", "rejected", "changes-requested", "under-review", "new", "deferred", "not-applicable", "rfc"
]
_CI = USERS[2]
_TRAILERS = {"review": "Reviewed-by", "ack": "Acked-by", "test": "Tested-by"}
_TEXTS = {
    "review": phrases.REVIEWED,
    "ack": ("Acked.", "Fine with me."),
    "test": phrases.TESTED,
    "question": phrases.QUESTIONS,
    "remark": phrases.REMARKS,
    "nak": phrases.REJECTIONS,
    "answer": phrases.ANSWERS,
    "disagree": phrases.DISAGREEMENTS,
    "ping": phrases.PINGS,
}
_REPLIES = ("review", "review", "ack", "test", "question", "question", "remark", "remark")


@dataclass(slots=True)
class Conversation:
    """Everything that follows one sent version."""

    script: Script
    sent: Sent

    def answer(self, parent: Letter, at: datetime, sender: Sender, text: str) -> Letter:
        """A reply to all, quoting the first lines."""
        quote = quoted("\n".join(parent.body.splitlines()[:6]))
        body = f"On {at:%a, %d %b %Y}, {parent.sender.name or parent.sender.address} wrote:\n{quote}\n\n{text}\n"
        letter = Letter(
            sender=sender,
            subject=_reply_subject(parent.subject),
            body=body,
            message_id=self._message_id(sender, at),
            date=at,
            to=(str(parent.sender),),
            cc=tuple(parent.to),
            references=(*parent.references, parent.message_id),
        )
        return self.script.send(at + timedelta(seconds=20), letter, self.sent.topic.lists)

    def say(self, kind: str, parent: Letter, at: datetime, sender: Sender) -> Letter:
        text = self.script.rng.choice(_TEXTS[kind])
        if kind in _TRAILERS:
            text += f"\n\n{_TRAILERS[kind]}: {sender.signature}"
        return self.answer(parent, at, sender, f"{text}\n\n{sender.name.split()[0]}")

    def discuss(self, until: datetime) -> None:
        """Some reviewers look at some of the patches, and the author answers some of them."""
        rng = self.script.rng
        for patch in self.sent.patches:
            for reviewer in rng.sample(REVIEWERS, rng.choice((0, 1, 1, 1, 2, 2))):
                at = self.script.later(self.sent.at, 0.5, 150)
                if at < until:
                    self._exchange(rng.choice(_REPLIES), patch, at, reviewer)
        if self.sent.cover and rng.random() < 0.5:
            at = self.script.later(self.sent.at, 2, 90)
            self.say("review", self.sent.cover, at, rng.choice(REVIEWERS))

    def _exchange(self, kind: str, patch: Letter, at: datetime, reviewer: Sender) -> None:
        remark = self.say(kind, patch, at, reviewer)
        if kind not in ("question", "remark") or self.script.rng.random() < 0.35:
            return
        back = self.script.later(at, 0.3, 30)
        reply = "disagree" if self.script.rng.random() < 0.2 else "answer"
        answer = self.say(reply, remark, back, self.sent.author)
        if self.script.rng.random() < 0.3:
            self.say("review", answer, self.script.later(back, 0.5, 40), reviewer)

    def check(self) -> None:
        """The build bot posts results for every patch, a few minutes after it came in."""
        for patch in self.sent.patches:
            state = self.script.rng.choice(("success", "success", "success", "warning", "fail"))
            at = self.script.later(self.sent.at, 0.1, 3)
            self._post_check(at, patch.message_id, "pending", "build")
            self._post_check(at + timedelta(minutes=25), patch.message_id, state, "build")
            self._post_check(at + timedelta(minutes=3), patch.message_id, "success", "checkpatch")

    def _post_check(self, at: datetime, message_id: str, state: str, context: str) -> None:
        url = f"https://ci.example.org/{message_id}/{context}"
        self.script.on_patch(
            at,
            message_id,
            lambda world, patch: world.tracker.add_check(patch, _CI, state, context, f"{context}: {state}", url),
        )

    def ping(self) -> None:
        """Silence makes authors ask, weeks later."""
        at = self.script.later(self.sent.at, 8 * 24, 35 * 24)
        asked = self.say("ping", self.sent.top, at, self.sent.author)
        if self.script.rng.random() < 0.6:
            self.say("review", asked, self.script.later(at, 2, 60), self.maintainer[0])

    # What maintainers do

    @property
    def maintainer(self) -> tuple[Sender, User, str]:
        if self.sent.topic.lists[0] == LEDS:
            return LEDS_MAINTAINER, USERS[1], "leds/for-next"
        return HWMON_MAINTAINER, USERS[0], "hwmon-next"

    def conclude(self, outcome: Outcome, at: datetime) -> None:
        sender, user, tree = self.maintainer
        if outcome == "accepted":
            text = self.script.rng.choice(phrases.APPLIED).format(tree=tree)
            self.answer(self.sent.top, at, sender, f"{text}\n\n{sender.name}")
            self._record_commits(at + timedelta(minutes=9))
        elif outcome == "rejected":
            self.say("nak", self.sent.top, at, sender)
        elif outcome == "changes-requested":
            self.say("remark", self.sent.patches[-1], at, sender)
        if outcome != "new":
            self.set_states(outcome, at + timedelta(minutes=5), user)

    def set_states(self, state: str, at: datetime, user: User) -> None:
        for patch in self.sent.patches:
            self.script.set_state(at, patch.message_id, state, user)

    def _record_commits(self, at: datetime) -> None:
        for patch in self.sent.patches:
            self.script.on_patch(at, patch.message_id, _commit(self.script.token(40)))

    def delegate(self, at: datetime) -> None:
        _, user, _ = self.maintainer
        for patch in self.sent.patches:
            self.script.on_patch(at, patch.message_id, lambda world, one: world.tracker.set_delegate(one, user, user))

    def archive(self, at: datetime) -> None:
        for patch in self.sent.patches:
            self.script.on_patch(at, patch.message_id, lambda world, one: world.tracker.set_archived(one, True))

    def _message_id(self, sender: Sender, at: datetime) -> str:
        host = sender.address.partition("@")[2]
        if self.script.rng.random() < 0.5:
            return f"{self.script.token(8)}-{self.script.token(4)}-{self.script.token(12)}@{host}"
        return f"{at:%Y%m%d%H%M%S}.{self.script.token(6)}@{host}"


def _reply_subject(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def relate(script: Script, at: datetime, versions: Sequence[Sent]) -> None:
    """Ties the first patches of all versions together, within each project."""
    ids = [sent.patches[0].message_id for sent in versions]
    for name in versions[0].topic.lists:
        script.act(at, _relation(name, ids))


def _relation(project: str, message_ids: Sequence[str]) -> Action:
    return lambda world: world.tracker.relate(world.tracker.patches_of(project, message_ids), USERS[0])


def _commit(commit: str) -> PatchAction:
    return lambda world, patch: world.tracker.set_commit_ref(patch, commit)
