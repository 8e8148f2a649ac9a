import re

from hypothesis import given
from hypothesis import strategies as st

from ingest.kernel.mail import Mail, flags, parse
from ingest.kernel.mail.identity import MAX_ID, MAX_REFERENCES
from tests.unit.kernel.mail.builders import NOW, Field, mail


def read(**headers: Field) -> Mail:
    return parse(mail(**headers), now=NOW)


def test_message_id_loses_its_brackets() -> None:
    assert read(message_id="<a/b%2Fc@example.org> (added by relay)").message_id == "a/b%2Fc@example.org"


def test_message_id_without_brackets_is_one_still() -> None:
    assert read(message_id=" a@example.org ").message_id == "a@example.org"


def test_fold_within_a_message_id_is_a_blank_like_in_public_inbox() -> None:
    assert read(message_id="\n <a\n\t@example.org>").message_id == "a @example.org"


def test_long_message_id_is_cut_like_in_public_inbox() -> None:
    assert read(message_id=f"<{'a' * 300}@b>").message_id == "a" * MAX_ID


def test_mail_without_message_id_gets_the_same_one_every_time() -> None:
    first, second = (parse(mail(message_id=None), now=NOW) for _ in range(2))
    other = parse(mail("Another.\n", message_id=None), now=NOW)

    assert first.message_id == second.message_id != other.message_id
    assert first.message_id.endswith("@generated.watchkeeper.invalid")
    assert first.flags == (flags.MESSAGE_ID_MISSING,)


def test_empty_message_id_is_none() -> None:
    assert flags.MESSAGE_ID_MISSING in read(message_id=" <> ").flags or read(message_id="").message_id


def test_further_ids_are_kept() -> None:
    found = read(message_id=["<a@b>", "<c@d>"], x_alt_message_id="<e@f>")

    assert (found.message_id, found.other_ids) == ("a@b", ("c@d", "e@f"))
    assert found.flags == (flags.SEVERAL_MESSAGE_IDS,)


def test_in_reply_to_comes_last_even_if_references_name_it_earlier() -> None:
    found = read(references="<a@b> <c@d>\n <e@f>", in_reply_to="<c@d>")

    assert found.references == ("a@b", "e@f", "c@d")
    assert found.in_reply_to == "c@d"


def test_repeated_references_keep_their_last_place() -> None:
    assert read(references="<a@b> <c@d> <a@b>").references == ("c@d", "a@b")


def test_answers_to_git_send_emails_prompt_are_no_references() -> None:
    found = read(references="<n>", in_reply_to="<y>")

    assert (found.references, found.in_reply_to) == ((), None)


def test_addresses_of_the_mail_are_no_references() -> None:
    found = read(
        to="Bob <bob@example.com>, carol@example.com",
        in_reply_to='"Mail from Bob" <bob@example.com> <real@example.com>',
        references="<carol@example.com> <not-carol@example.com>",
    )

    assert found.references == ("not-carol@example.com", "real@example.com")
    assert found.in_reply_to == "real@example.com"


def test_id_that_merely_contains_an_address_is_a_reference() -> None:
    assert read(to="bob@example.com", references="<x.bob@example.com>").references == ("x.bob@example.com",)


def test_mail_does_not_answer_itself() -> None:
    assert read(message_id=["<a@b>", "<c@d>"], references="<c@d> <e@f> <a@b>").references == ("e@f",)


def test_several_in_reply_to_headers_all_count() -> None:
    found = read(in_reply_to=["<a@b>", "<c@d>"])

    assert (found.references, found.in_reply_to) == (("a@b", "c@d"), "a@b")


def test_only_the_newest_of_very_many_references_are_kept() -> None:
    references = read(references=" ".join(f"<{n}@b>" for n in range(2_000))).references

    assert len(references) == MAX_REFERENCES
    assert references[-1] == "1999@b"


@given(st.text(alphabet="<>ab@ \t", max_size=40))
def test_references_are_what_public_inbox_extracts(value: str) -> None:
    extracted = [id_.replace("\t", "") for id_ in re.findall(r"<([^>]+)>", value)]
    newest_first = dict.fromkeys(id_ for id_ in reversed(extracted) if id_.strip() and id_ not in ("y", "n"))

    found = parse(mail(references=value, from_=None, to=None), now=NOW)

    assert found.references == tuple(reversed(newest_first))
