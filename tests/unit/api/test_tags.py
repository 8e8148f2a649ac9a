from dataclasses import replace

from api.kernel.tags import tags_of
from tests.integration.api.builders import ANN, RAY, a_mail, reviewed_by
from watchkeeper.kernel.models import Kind, Trailer


def test_a_tag_says_who_gave_it_and_where() -> None:
    (tag,) = tags_of([a_mail("r@x", 3, patch_message_id="p@x", trailers=(reviewed_by(),))])

    assert (tag["name"], tag["address"], tag["by_sender"]) == ("Reviewed-by", "ray@example.org", True)
    assert (tag["message_id"], tag["author"], tag["on"]) == ("r@x", RAY, "p@x")


def test_a_tag_given_twice_is_one_and_the_first_that_counts_stands() -> None:
    passed_on = a_mail("ann@x", 1, author=ANN, trailers=(reviewed_by(by_sender=False),))
    own, again = a_mail("own@x", 2, trailers=(reviewed_by(),)), a_mail("again@x", 3, trailers=(reviewed_by(),))

    assert [tag["message_id"] for tag in tags_of([passed_on, own, again])] == ["own@x"]


def test_different_tags_of_one_person_all_stand() -> None:
    mail = a_mail("r@x", trailers=(reviewed_by(), reviewed_by(name="Tested-by")))

    assert [tag["name"] for tag in tags_of([mail])] == ["Reviewed-by", "Tested-by"]


def test_what_names_no_person_is_no_tag() -> None:
    assert tags_of([a_mail("r@x", trailers=(Trailer("Link", "https://x"), Trailer("Fixes", "abcdef")))]) == []


def test_the_trailers_of_patches_are_not_tags_on_what_they_answer() -> None:
    patch = replace(a_mail("v2@x", trailers=(reviewed_by(),)), kind=Kind.PATCH)

    assert tags_of([patch]) == []
