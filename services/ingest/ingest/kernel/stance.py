"""The position a mail takes on the patch it replies to, by explicit rules.

Only the author's own words and their own tags count; quotes, signatures and what others said do not. The first
rule that matches decides:

==  =================  ==================================================================================
1   none               the mail is a patch or a cover letter
2   objection          a Nacked-by of the sender; the words NAK, NACK, or "I object"
3   applied            "Applied, thanks", "queued for ...", "was applied to ..." and the like
4   approval           an Acked-by, Reviewed-by, Tested-by or Approved-by of the sender, whatever else they say
5   changes requested  "please fix/drop/split/resend ...", "should be ...", "needs to ...", "send a v2", ...
6   approval           LGTM, "looks good", "no objections"
7   question           a sentence ends in a question mark
8   none               anything else
==  =================  ==================================================================================

A bot takes a position by rule 3 or by tags only: its other prose is a template, not an opinion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from watchkeeper.kernel.models import Kind, Stance, Trailer

if TYPE_CHECKING:
    # The parsing of mails imports this module, so it must not import mails at run time.
    from ingest.kernel.mail.model import Mail

MAX_TEXT = 16 * 1024
"""Characters that are read."""
MAX_SENTENCE = 600
"""Characters of a sentence that are read."""

_APPROVING_TAG = re.compile(r"(?:.*-)?(?:acked|reviewed|tested|approved)(?:-.*)?-by$", re.IGNORECASE)
_OBJECTING_TAG = re.compile(r"(?:.*-)?nacke?d?(?:-by)?$", re.IGNORECASE)


class _Rule:
    """Phrases, and words of which a sentence must contain one before the phrases are searched for.

    A sentence that also contains one of the ``unless`` phrases does not count.
    """

    def __init__(self, words: str, phrases: tuple[str, ...], unless: tuple[str, ...] = ()) -> None:
        self._words = frozenset(words.split())
        self._phrases = _any_of(phrases)
        self._unless = _any_of(unless) if unless else None

    def holds_in(self, sentences: list[_Sentence]) -> bool:
        return any(map(self._holds_for, sentences))

    def _holds_for(self, sentence: _Sentence) -> bool:
        if self._words.isdisjoint(sentence.words) or not self._phrases.search(sentence.text):
            return False
        return self._unless is None or not self._unless.search(sentence.text)


def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases))


class _Sentence(NamedTuple):
    text: str
    """Lower case, on one line."""
    words: frozenset[str]


_HEDGE = r"(?:(?:not|probably|rather|really|also|just|all|at least|please|maybe|then|do|simply|either),? )*"
_CHANGE = (
    r"(?:fix|change|split|drop|remove|resend|re-send|rebase|respin|resubmit|rename|add|use|move|make|don't"
    r"|do not|avoid|update|rework|address|correct|reword|follow|include|replace|sort|keep|convert|squash|run|elaborate"
    r"|explain|document|describe|test|consider|put|wrap|see my|mention|provide"
    r"|send (?:(?:a|an|the|this|it|out) )*(?:new|updated|v[0-9]|again|fixed|next|separate))\b"
)
_TAKEN = r"(?:applied|queued|merged|pulled|picked|pushed)"
_TAKEN_WHAT = r"(?:this|these|it|them|the|both|all|your|patch|patches|up|with)"
_TAKEN_TO = rf"(?:{_TAKEN_WHAT}|to|for|in|into|and|as|series|on|now|thanks|thank)"
_OPENING = r"(?:(?:series|patch(?:es)?|both|all|these|this|now|thanks|thank you|ok(?:ay)?|great|hi \w+|hello)[,!.:]? )*"
_STRONG = r"(?:(?:big|strong|hard|firm|clear|still|another|so|an?|my) )*"

_OBJECTS = _Rule(
    words="nak nack nacked naked nacking naking object",
    phrases=(
        rf"^{_STRONG}(?:nak|nack)\b(?![-/])",
        rf"\b(?:it's|is|that's|gets?|have|consider(?: this)?|this) {_STRONG}(?:nak|nack)\b(?![-/])",
        r"\b(?:i|i'm|am)(?: \w+)? (?:nak|nack|nacking|naking)\b",
        r"\bnacked(?:-by)?\b(?! by the | the )",
        r"\bi (?:strongly |do )?object\b",
    ),
    unless=(r"\b(?:acks?|i2c|spi|smbus|slave|bus|returns?|sends?|receives?|condition|hardware)\b",),
)
_APPLIED = _Rule(
    words="applied queued merged pulled pushed picked",
    phrases=(
        rf"^{_OPENING}{_TAKEN}(?: up)?(?:[,.!;:]|$| {_TAKEN_TO}\b)",
        r"\b(?:was|were|been) (?:applied|merged|queued) (?:to|into|for)\b",
        rf"\bi(?:'ve| have)?(?: now| just| already)? {_TAKEN}(?: up)? {_TAKEN_WHAT}\b",
        r"\b(?:series|patch(?:es)?|both|all|[0-9]+/[0-9]+)(?: [0-9][0-9,-]*(?: and [0-9]+)?)? "
        r"(?:(?:is|are|now) )*(?:applied|queued)\b",
    ),
    unless=(
        r"(?:\b(?:not|never|once|if|when|until|cannot|to be|after|before|unless)|n't) (?:\S+ ){0,5}" + rf"{_TAKEN}\b",
        r"\bapplied (?:cleanly|on top of|against|before|after|locally)\b",
        r"\?$",
    ),
)
_ASKS_FOR_CHANGES = _Rule(
    words="please missing unneeded unnecessary redundant superfluous respin resubmit resend re send post expect want "
    "see need next could can would will drop dropped remove same ditto wrong incorrect broken bogus correct right "
    "won't doesn't does checkpatch sparse smatch nit nitpick nits s fix fixed address addressed change changed",
    phrases=(
        rf"\bplease,? {_HEDGE}{_CHANGE}",
        rf"\b(?:could|can|would|will) you {_HEDGE}{_CHANGE}",
        r"\b(?:missing|unneeded|unnecessary|redundant|superfluous) "
        r"(?:blank|space|new ?line|empty|include|change|check|cast|brac|description|commit|error|sign|parenthes)",
        r"^(?:respin|re-spin|resubmit|resend)\b",
        r"\b(?:in|for|with) (?:the |your )?next (?:version|revision|spin|round)\b",
        r"\b(?:send|post|expect|want|see|need) (?:an? updated |an? |the |your )?(?:v[0-9]+|new version|respin)\b",
        r"\b(?:fix(?:ed)?|address(?:ed)?|changed?|drop(?:ped)?) (?:\w+ )?(?:in|for) v[0-9]+\b",
        r"^s/[^/ ]+/[^/]*/",
        r"^nits?(?:pick)?\b",
        r"^(?:drop|remove) (?:this|that|the|it)\b",
        r"^same (?:here|comment|as above|issue|problem)\b",
        r"^ditto\b",
        r"\b(?:this|it|that) (?:is|looks) (?:\w+ )?(?:wrong|incorrect|broken|bogus|not correct|not right)\b",
        r"\bwon't work\b",
        r"\bdoes(?:n't| not) (?:apply|build|compile)\b",
        r"\b(?:checkpatch|sparse|smatch) (?:complains|warns|errors|reports)\b",
    ),
)
_SAYS_WHAT_SHOULD_BE = _Rule(
    words="should shouldn't must mustn't need needs ought",
    phrases=(
        rf"(?<!\bi )(?<!\bwe )\b(?:should|must|needs? to|ought to) {_HEDGE}"
        r"(?:be|use|go|have|get|come|return|check|drop|match|say|do|read|live|stay|handle|depend|add)\b",
        r"\byou(?: \w+)? (?:should|shouldn't|must|mustn't|need to)\b",
        r"\b(?:this|it|that|there)(?: \w+)? (?:should|shouldn't|must|mustn't)\b",
    ),
    unless=(r"\?$",),
)
_APPROVES = _Rule(
    words="lgtm sgtm looks look objection objections works fine good ok okay +1",
    phrases=(
        r"\b(?:lgtm|sgtm)\b",
        r"\blooks?(?: (?:all|very|pretty|really))* (?:good|great|fine|ok|okay|sane|reasonable|correct|right|nice)\b",
        r"\bno (?:further |more )?objections?\b",
        r"\bworks (?:for me|fine|great|as expected)\b",
        r"^\+1(?!\w)",
        r"\b(?:fine|good|ok|okay) (?:with|by|for) me\b",
    ),
    unless=(
        r"\b(?:if|when|once|unless|otherwise|not|doesn't|don't|isn't|except|but|apart|other than)\b",
        r"\?$",
    ),
)
_ASKS = re.compile(r"\w['\")\]`]*\?+$")

_WORDS = re.compile(r"[a-z0-9+']+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_BLANKS = re.compile(r"\s+")


def stance_of(mail: Mail) -> Stance:
    if mail.kind in (Kind.PATCH, Kind.COVER):
        return Stance.NONE
    if mail.kind is Kind.BOT:
        return _position_of_robot(mail)
    return position(mail.own_text, mail.trailers)


def _position_of_robot(mail: Mail) -> Stance:
    found = position(mail.own_text, mail.trailers)
    return found if found is Stance.APPLIED or any(map(_gives, mail.trailers)) else Stance.NONE


def _gives(trailer: Trailer) -> bool:
    return trailer.by_sender and bool(trailer.address)


def position(own_text: str, trailers: Iterable[Trailer]) -> Stance:
    """The position of a reply with these words, by rules 2 to 8."""
    own_tags = [trailer.name for trailer in trailers if _gives(trailer)]
    if any(map(_OBJECTING_TAG.match, own_tags)):
        return Stance.OBJECTION
    sentences = _sentences(own_text[:MAX_TEXT])
    for rule, stance in ((_OBJECTS, Stance.OBJECTION), (_APPLIED, Stance.APPLIED)):
        if rule.holds_in(sentences):
            return stance
    if any(map(_APPROVING_TAG.match, own_tags)):
        return Stance.APPROVAL
    if _ASKS_FOR_CHANGES.holds_in(sentences) or _SAYS_WHAT_SHOULD_BE.holds_in(sentences):
        return Stance.CHANGES_REQUESTED
    if _APPROVES.holds_in(sentences):
        return Stance.APPROVAL
    asks = any(_ASKS.search(sentence.text) for sentence in sentences)
    return Stance.QUESTION if asks else Stance.NONE


def _sentences(text: str) -> list[_Sentence]:
    lowered = (_BLANKS.sub(" ", sentence).strip()[:MAX_SENTENCE] for sentence in _SENTENCE_END.split(text.lower()))
    return [_Sentence(sentence, frozenset(_WORDS.findall(sentence))) for sentence in lowered if sentence]
