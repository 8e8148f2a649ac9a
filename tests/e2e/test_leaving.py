"""Nothing is left of people who were deleted. They requested it in test_erasing.py: it begins some seconds later."""

from tests.e2e.kitchen import Leaver
from tests.e2e.people import People, expect, problem
from tests.e2e.waiting import wait_for


def test_in_the_end_nothing_is_left(leaver: Leaver, people: People) -> None:
    leo, shelf = leaver.person, leaver.shelf

    wait_for("the deletion", lambda: leo.read("me")["deletion"]["status"] == "deleted", 60, pause=0.5)

    told = leo.read("me")
    assert (told["email"], told["created_at"]) == (None, None)
    assert told["deletion"]["finished_at"] >= told["deletion"]["requested_at"]
    assert expect(leo.delete("me"), 200)["status"] == "deleted"
    assert [key for key in shelf.items_about(leaver.id) if key != "DELETION"] == []
    assert shelf.objects_about(leaver.id) == []
    assert not shelf.knows_user(leaver.id)
    assert problem(leo.refresh(), 401) == "token-refused"
    assert problem(leo.post("ferments/batches", {"name": "Back again"}), 410) == "gone"

    again = people.stranger("leo-again")
    again.email = leo.email
    again.sign_in()
    assert again.id != leaver.id
    assert again.read("ferments/batches")["items"] == []
    expect(again.post("me/devices", {"token": leaver.token, "platform": "ios"}), 201)
    assert len(again.read("me/devices")["items"]) == 1
