"""The sentiment of a mail, sentence by sentence: VADER, corrected for the vocabulary of kernel work.

VADER reads technical words as emotion ("kills the process", "fatal error", "free", "master") and politeness as
praise ("please", "best regards"), and knows nothing of "NAK" or "LGTM". ``KERNEL_LEXICON`` overrules it.

The score of a text is the mean over its sentences that contain any scored word, from -1.0 to 1.0, rounded to
four digits. It is ``positive`` from 0.05 and ``negative`` from -0.05 on, VADER's own thresholds, else ``neutral``.

VADER takes quadratic time in the length of a sentence, so long ones are split, and their number is limited.
"""

import re
import string
import warnings
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any, Final

from watchkeeper.kernel.models import Sentiment, SentimentLabel

MAX_TEXT: Final = 32 * 1024
"""Characters that are read."""
MAX_SENTENCE: Final = 300
MAX_SENTENCES: Final = 100
"""Sentences scored; those without any scored word do not count."""
THRESHOLD: Final = 0.05

_TECHNICAL = """
    abandon abandoned abort aborted aborting aborts abuse active admin alarm alarms alert alerts alone anxious
    argument arguments arrest asset assets attack attacks authority avoid avoided avoiding avoids award
    bad-block battle benefit block blocked blocking blocks bomb bug bugfix buggy bugs care challenge challenges
    chance chances charge charged charges charging chaos clean cleaner clear cleared clearly commit commits
    commitment conflict conflicting conflicts confidence contend corrupt corrupted corruption crash crashed
    crashes crashing critical cut cuts damage danger dead deadlock deadlocks death defeat defect defects defer
    deferred delay delayed delays demand demands deny denied destroy destroyed destroying destroys difficulty
    dirty disable disabled disconnect disconnected discard discarded discarding discards drop dropped drops dump
    dumped dumps dying ease easy effective efficient emergency empty energy error errors escape exhausted
    exploit exploited exploits fail failed failing fails failure failures fair fault faults fatal fatality fire
    fired fires fit flag flags force forced forces forcing free freed freeing frees freeze freezes freezing
    frozen fun gain gains grant granted grants greet hack handshake hang hanging hangs hard harm harmful heaven
    hell help helper helpers helpful hide hid hidden hog hope host hot hug huge ignore ignored ignores ignoring
    illegal improve improved improvement improvements inactive inhibit interest interrupt interrupted
    interrupting interruption interrupts intelligent intel invalid isolate isolated join joy justice kill killed
    killer killing kills kind kindly lack launched leak leaks leave like liked likes limitation limited limits
    lose loses loss lost low lowest luck lucky mad manipulate mask master masters matter matters mess native
    natural negative no number numb obsolete obstacle ok okay oops orphan orphaned outstanding overload
    overloaded overwhelm panic panics pass perfect permit play please poison poisoned positive poor powerful
    pressure pretend pressured prevent prevented preventing prevents prison problem problems profit promise
    promised protect protected protects proud punish pushy race races ready reject rejected rejects relief
    resolve resolved resolves resolving respect responsible restrict restricted restricts retain revive reward
    risk risks robust rob safe safely safety save saved saves secure secured security serious shaky share shared
    shares sharing shock shortage sick sigh significant sincerely slave slaves smart solution solutions solve
    solved solves solving special stall stalled stalling stalls starve starved static steal stealing steals stop
    stopped stopping stops strength strong strict stress strike struck stuck sucks suffer suffers support
    supported supporter supporting supports suspect suspend suspended suspicious sync tension terminate
    terminated threat threats tolerant top torture tough trap trapped traps trauma treat trivial trouble true
    trust trusted unable undefined undo undermine unlocked unsafe unstable unstoppable unsupported useful
    useless value values victim victims violate violated violates violation violations virtue virtuous
    vulnerability vulnerable wait waste wasted wasting weak weakness welcome win winning wins worker workers
    worth yes zombie dear hi hello hey regards best cheers thank thanks thx wish wishes respectfully missing
    missed bias biased create created creates creating creation creative dynamic dynamical dynamically fan fans
    optimise optimize optimised optimized optimization optimal expose exposed exposes exposing exposure ensure
    ensured ensures ensuring allow allowed allowing allows well validate validated validates validating
    dedicated integrity certain certainly isolation exclusive mandatory comprehensive defensive legal legally
    united unified cutting lowercase barrier barriers cancel cancelled canceled cancels clears warning warnings
    warn warned warns affected sentence credit credits hand hands sure surely success successful successfully
    severe severity collision collisions destructive spam die dies war adopt adopted adopts advantage advantages
    benefits increase increased determined degrade degraded intact vulnerabilities manipulating manipulation
    restriction violating unlocks lock adequate straight safer sensitive novel original pretty agree agreement
    interested interesting important importance want wants bless fine
"""
"""Words that state facts in a kernel mail, or are mere politeness."""

KERNEL_LEXICON: Final[dict[str, float]] = {
    **dict.fromkeys(_TECHNICAL.split(), 0.0),
    # verdicts
    "nak": -2.6, "nack": -2.6, "nacked": -2.6, "naked": 0.0, "nacked-by": -2.6, "lgtm": 2.6, "sgtm": 2.2,
    "ack": 1.6, "acked": 1.8, "acked-by": 2.0, "reviewed-by": 2.0, "tested-by": 1.8, "applied": 1.4, "queued": 1.2,
    "merged": 1.0, "nit": -0.3, "nits": -0.3, "nitpick": -0.4, "+1": 1.6,
    # praise and thanks; a bare "thanks" under a mail is a formality, so it weighs little
    "thanks": 0.3, "thank": 0.4, "thx": 0.2, "good": 1.6, "great": 2.2, "better": 0.9, "worst": -1.8,
    "perfectly": 1.4, "fine": 1.0, "ok": 0.7, "okay": 0.7, "perfect": 2.7, "helpful": 1.6, "useful": 1.2,
    "like": 0.5, "welcome": 0.8, "easy": 0.6, "clean": 0.9, "cleaner": 1.2, "elegant": 2.2, "neat": 1.9,
    "sane": 1.0, "readable": 1.0, "works": 0.8, "improvement": 1.2, "agree": 1.2, "robust": 0.9, "simpler": 0.9,
    "correct": 0.9, "reasonable": 0.9, "interesting": 0.8, "appreciate": 1.7, "fun": 0.8,
    # blame
    "wrong": -1.6, "broken": -1.3, "breaks": -0.9, "bogus": -1.9, "hacky": -1.4, "churn": -1.2, "crap": -2.4,
    "garbage": -2.2, "nonsense": -2.2, "insane": -1.8, "ugly": -1.9, "horrible": -2.5, "pointless": -1.8,
    "useless": -1.6, "unreadable": -1.6, "confusing": -1.2, "confused": -0.9, "incorrect": -1.2, "misleading": -1.2,
    "sloppy": -1.8, "regression": -0.8, "regresses": -0.8, "unacceptable": -2.4, "overkill": -1.0,
    "overengineered": -1.2, "disgusting": -2.6, "dislike": -1.5, "disagree": -1.4, "unfortunately": -0.8,
    "annoying": -1.6, "mess": -1.3, "sucks": -2.0, "waste": -1.2, "wasting": -1.4, "sigh": -1.2, "worse": -1.5,
    "object": -1.0, "sorry": -0.1,
}  # fmt: skip

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n|\n(?=[ \t]*(?:[-*+•]|[0-9]{1,2}[.)])[ \t])")
_BLANKS = re.compile(r"\s+")
_EDGES = string.punctuation.replace("+", "")


def score(text: str) -> Sentiment:
    scores = list(islice(_scores(text[:MAX_TEXT]), MAX_SENTENCES))
    mean = round(sum(scores) / len(scores), 4) if scores else 0.0
    return Sentiment(mean + 0.0, label_of(mean))


def label_of(value: float) -> SentimentLabel:
    if value >= THRESHOLD:
        return SentimentLabel.POSITIVE
    return SentimentLabel.NEGATIVE if value <= -THRESHOLD else SentimentLabel.NEUTRAL


def _scores(text: str) -> Iterator[float]:
    analyzer, counting = _vader()
    for sentence in _sentences(text):
        if _may_count(sentence, counting):
            compound = float(analyzer.polarity_scores(sentence)["compound"])
            if compound:
                yield compound


def _may_count(sentence: str, counting: frozenset[str]) -> bool:
    """Whether it has a word with a weight, an emoticon or an emoji; most sentences have none."""
    if not sentence.isascii():
        return True
    words = sentence.lower().split()
    return not (counting.isdisjoint(words) and counting.isdisjoint([word.strip(_EDGES) for word in words]))


def _sentences(text: str) -> Iterator[str]:
    for sentence in _SENTENCE_END.split(text):
        words = _BLANKS.sub(" ", sentence).strip()
        for start in range(0, len(words), MAX_SENTENCE):
            yield words[start : start + MAX_SENTENCE]


@cache
def _vader() -> tuple[Any, frozenset[str]]:
    """The analyzer, and the words with a weight other than zero. Reading its files takes some milliseconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it opens them with codecs.open
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        analyzer = SentimentIntensityAnalyzer()
    analyzer.lexicon.update(KERNEL_LEXICON)
    return analyzer, frozenset(word for word, weight in analyzer.lexicon.items() if weight)
