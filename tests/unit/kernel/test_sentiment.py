import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.kernel.sentiment import MAX_SENTENCE, label_of, score
from watchkeeper.kernel.models import SentimentLabel


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kills the process on OOM",
        "fatal bug: abort",
        "Free the master lock, then destroy the orphaned worker.",
        "This dumps the panic and aborts with an error.",
        "The fan driver fails to probe.",
        "No.",
        "Please resend.",
        "Best regards,\nAda",
        "Kind regards\nBob",
        "The interrupt handler kills the zombie child.",
    ],
)
def test_technical_words_and_mere_form_are_neutral(text: str) -> None:
    assert score(text).label is SentimentLabel.NEUTRAL


@pytest.mark.parametrize(
    "text",
    [
        "LGTM",
        "Looks good to me.",
        "Nice work, this is much better.",
        "Applied, thanks!",
        "Reviewed-by: Ada Example <ada@example.org>",
        "Acked-by: Ada Example <ada@example.org>",
        "I love it :)",
        "This is a great improvement.",
    ],
)
def test_praise_is_positive(text: str) -> None:
    assert score(text).label is SentimentLabel.POSITIVE


@pytest.mark.parametrize(
    "text",
    [
        "NAK",
        "Nacked-by: Ada Example <ada@example.org>",
        "NAK. This is wrong.",
        "This is horrible and pointless churn.",
        "I really don't like this hack.",
        "What a mess.",
        "This code is garbage.",
        "Not good.",
    ],
)
def test_blame_is_negative(text: str) -> None:
    assert score(text).label is SentimentLabel.NEGATIVE


def test_nit_weighs_less_than_nak() -> None:
    assert score("NAK").score < score("nit: a blank is enough").score < 0


def test_sentences_that_say_nothing_do_not_dilute_the_others() -> None:
    alone = score("This is horrible.")
    among = score("The driver reads a register. This is horrible. It then returns.")

    assert alone == among


def test_praise_and_blame_even_out() -> None:
    assert abs(score("This is good. This is bad.").score) < abs(score("This is bad.").score)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (0.05, SentimentLabel.POSITIVE),
        (0.0499, SentimentLabel.NEUTRAL),
        (-0.0499, SentimentLabel.NEUTRAL),
        (-0.05, SentimentLabel.NEGATIVE),
    ],
)
def test_thresholds_belong_to_the_labels(value: float, label: SentimentLabel) -> None:
    assert label_of(value) is label


@pytest.mark.parametrize(
    "text",
    ["good " * 50_000, "good. " * 50_000, "a" * 500_000, "👍" * 50_000, "!?" * 50_000, ("good " * 59 + ". ") * 500],
)
def test_work_is_bounded(text: str) -> None:
    score(text)
    start = time.process_time()
    score(text)

    assert time.process_time() - start < 0.25


def test_long_sentences_are_cut_not_dropped() -> None:
    assert score("word " * MAX_SENTENCE + "horrible").label is SentimentLabel.NEGATIVE


@settings(deadline=None)
@given(st.text(max_size=400))
def test_any_text_has_one_score(text: str) -> None:
    found = score(text)

    assert -1.0 <= found.score <= 1.0
    assert found.score == round(found.score, 4)
    assert found == score(text)
