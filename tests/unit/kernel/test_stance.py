import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.kernel.mail import parse
from ingest.kernel.stance import position, stance_of
from tests.unit.kernel.mail.builders import NOW, mail, patch, reply
from watchkeeper.kernel.models import Stance, Trailer

APPROVED = Trailer("Reviewed-by", "Bob <bob@example.com>", "bob@example.com", by_sender=True)
REFUSED = Trailer("Nacked-by", "Bob <bob@example.com>", "bob@example.com", by_sender=True)
HANDED_ON = Trailer("Reviewed-by", "Carol <carol@example.com>", "carol@example.com", by_sender=False)
SIGNED = Trailer("Signed-off-by", "Bob <bob@example.com>", "bob@example.com", by_sender=True)
REPORTED = Trailer("Reported-by", "Bob <bob@example.com>", "bob@example.com", by_sender=True)


def in_words(words: str) -> Stance:
    return position(words, ())


@pytest.mark.parametrize("name", ["Reviewed-by", "Acked-by", "Tested-by", "Approved-by", "Reported-and-tested-by"])
def test_tag_of_the_sender_approves(name: str) -> None:
    assert position("", [Trailer(name, "Bob <bob@example.com>", "bob@example.com", by_sender=True)]) is Stance.APPROVAL


@pytest.mark.parametrize("trailer", [HANDED_ON, SIGNED, REPORTED])
def test_other_tags_take_no_position(trailer: Trailer) -> None:
    assert position("", [trailer]) is Stance.NONE


def test_tag_with_a_remark_still_approves() -> None:
    assert position("Please fix the typo when you resend.", [APPROVED]) is Stance.APPROVAL


def test_refusal_outweighs_everything() -> None:
    assert position("Applied, thanks.", [REFUSED, APPROVED]) is Stance.OBJECTION


@pytest.mark.parametrize(
    "words",
    [
        "NAK.",
        "Nack, see above.",
        "Big NAK from me.",
        "So NAK",
        "It's a NACK from my side.",
        "I'm NAKing this.",
        "I object.",
    ],
)
def test_objections_in_words(words: str) -> None:
    assert in_words(words) is Stance.OBJECTION


@pytest.mark.parametrize(
    "words",
    [
        "The device sends a NAK on the bus.",
        "The I2C slave answers with NACK.",
        "If it returns NAK we retry.",
        "This object is freed twice.",
    ],
)
def test_naks_of_hardware_are_no_objections(words: str) -> None:
    assert in_words(words) is Stance.NONE


@pytest.mark.parametrize(
    "words",
    [
        "Applied, thanks!",
        "Applied to hwmon-next.",
        "Series applied, thanks.",
        "Thanks, applied.",
        "Now queued up for 7.3, thanks!",
        "I've applied this to my tree.",
        "This series was applied to netdev/net-next.git (main)\nby Bob Builder <bob@example.com>:",
        "Patches 1-3 applied to for-next.",
        "Merged into linux-next.",
        "Hi Ada,\n\nApplied with a small fix.\n",
    ],
)
def test_application_in_words(words: str) -> None:
    assert in_words(words) is Stance.APPLIED


@pytest.mark.parametrize(
    "words",
    [
        "It can't be applied to hwmon-next.",
        "Once this is applied to the tree the warning is gone.",
        "I tested it applied on top of v7.2.",
        "Was this applied?",
        "The voltage applied to the pin is 3 V.",
    ],
)
def test_talk_about_applying_is_no_application(words: str) -> None:
    assert in_words(words) is not Stance.APPLIED


@pytest.mark.parametrize(
    "words",
    [
        "Please fix the build.",
        "Please split this into two patches.",
        "Please don't add new users of this header.",
        "Could you please rename the variable?",
        "This should be a separate patch.",
        "The lock must be held here.",
        "You should check the return value.",
        "Please send a v2.",
        "nit: missing blank line",
        "Missing newline here.",
        "Drop this.",
        "s/foo/bar/",
        "Same here.",
        "This is wrong.",
        "That doesn't apply to my tree.",
        "Looks good, but please resend with a better subject.",
    ],
)
def test_requests_for_changes_in_words(words: str) -> None:
    assert in_words(words) is Stance.CHANGES_REQUESTED


@pytest.mark.parametrize(
    "words", ["I should look at this tomorrow.", "We need to go home.", "Please find it attached."]
)
def test_other_duties_are_no_requests(words: str) -> None:
    assert in_words(words) is Stance.NONE


@pytest.mark.parametrize(
    "words", ["LGTM", "Looks good to me.", "No objections.", "+1", "This looks all good now, thanks.", "Fine with me."]
)
def test_approval_in_words(words: str) -> None:
    assert in_words(words) is Stance.APPROVAL


@pytest.mark.parametrize(
    "words", ["Looks good except for the lock.", "It does not look right.", "Does this look good?"]
)
def test_approval_with_a_but_is_none(words: str) -> None:
    assert in_words(words) is not Stance.APPROVAL


@pytest.mark.parametrize("words", ["Why is this needed?", "Is this right (really)?", "Should this be locked?"])
def test_questions(words: str) -> None:
    assert in_words(words) is Stance.QUESTION


@pytest.mark.parametrize("words", ["", "Thanks for the explanation.", "a ? b : c", "I will have a look."])
def test_most_words_take_no_position(words: str) -> None:
    assert in_words(words) is Stance.NONE


def test_quoted_words_are_not_the_authors() -> None:
    raw = mail("On Monday Ada wrote:\n> Please fix this.\n> NAK\n\nDone.\n", subject="Re: [PATCH] x")

    assert stance_of(parse(raw, now=NOW)) is Stance.NONE


def test_patches_and_covers_take_none() -> None:
    assert stance_of(parse(patch(), now=NOW)) is Stance.NONE
    assert stance_of(parse(mail("This should be reviewed.\n", subject="[PATCH 0/3] x"), now=NOW)) is Stance.NONE


def test_patchwork_bot_says_what_was_applied() -> None:
    words = "Hello:\n\nThis patch was applied to netdev/net.git (main)\nby Bob <bob@example.com>:"
    raw = reply(words, from_="patchwork-bot+netdevbpf@kernel.org")

    assert stance_of(parse(raw, now=NOW)) is Stance.APPLIED


def test_prose_of_other_robots_takes_no_position() -> None:
    raw = reply("Please fix this. Is it intended? LGTM.", from_="kernel test robot <lkp@intel.com>")

    assert stance_of(parse(raw, now=NOW)) is Stance.NONE


@given(st.text(max_size=300))
def test_any_words_have_one_position(words: str) -> None:
    assert position(words, ()) is position(words, ())
