import pytest

from ingest.kernel.mail import parse
from ingest.kernel.mail.own_words import own_words, quotes_diff
from tests.unit.kernel.mail.builders import NOW, patch, reply


def test_answer_is_reduced_to_what_was_written_for_it() -> None:
    assert parse(reply("Looks good.\n\nReviewed-by: Bob Builder <bob@example.com>"), now=NOW).own_text == "Looks good."


def test_patch_is_reduced_to_its_message_and_notes() -> None:
    assert parse(patch(), now=NOW).own_text == (
        "The register is 16 bits wide.\n\nChanges in v2:\n- read the whole register"
    )


@pytest.mark.parametrize(
    "attribution",
    [
        "On Tue, Jul 14, 2026 at 08:21:25AM +0000, Ada Example wrote:",
        "On Tue, Jul 14, 2026 at 08:21:25AM +0000, Ada Example\n<ada@example.org> wrote:",
        "On 14/07/2026 08:21, Ada Example via B4\nRelay wrote:",
        "Am 14.07.26 um 08:21 schrieb Ada Example:",
        "Ada Example <ada@example.org> writes:",
        "Hi,\n\nOn 14/07/2026 Ada wrote:\n",
    ],
)
def test_attribution_lines_are_not_the_authors_words(attribution: str) -> None:
    words = own_words(f"{attribution}\n> text\n\nNo.\n")

    assert words.removeprefix("Hi,").strip() == "No."


def test_attribution_of_a_quote_that_was_cut_is_seen() -> None:
    assert own_words("On 14/07/2026 08:21, Ada wrote:\n[...]\n> x\n\nNo.\n") == "No."


def test_words_before_an_attribution_survive_it() -> None:
    assert own_words("I tested it.\nIt works.\n\nAda wrote:\n> x\n") == "I tested it.\nIt works."


def test_prose_that_ends_in_said_stays() -> None:
    assert own_words("This is what the datasheet said:\nnothing.\n") == "This is what the datasheet said:\nnothing."


@pytest.mark.parametrize(
    "forwarded",
    [
        "-----Original Message-----\nFrom: Ada\nold words\n",
        "From: Ada <ada@example.org>\nSent: Tuesday, July 14, 2026 8:21 AM\nTo: Bob\nSubject: x\n\nold words\n",
        "---------- Forwarded message ---------\nold words\n",
    ],
)
def test_what_was_forwarded_below_is_not_the_authors(forwarded: str) -> None:
    assert own_words(f"New words.\n\n{forwarded}") == "New words."


@pytest.mark.parametrize(
    "line",
    [
        "> @@ -10,3 +10,3 @@ static int x(void)",
        "> +\tret = read_word(dev);",
        ">> -\tret = read(dev);",
        "> > +#define X",
        "> diff --git a/x b/x",
        "> +    compatible:",
    ],
)
def test_quoted_lines_of_a_patch_are_seen(line: str) -> None:
    assert quotes_diff(f"Hi.\n{line}\nWhy?\n")


@pytest.mark.parametrize("line", ["> +1", "> - an item", "> -- Ada", "> -Ada", "> words", "+\tret = 0;", "> + an item"])
def test_quoted_prose_is_no_patch(line: str) -> None:
    assert not quotes_diff(f"{line}\n")
