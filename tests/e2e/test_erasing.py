"""People who request deletion are refused from then on."""

from tests.e2e.kitchen import Leaver
from tests.e2e.people import expect, problem


def test_from_then_on_everything_else_is_gone(leaver: Leaver) -> None:
    leo, batch = leaver.person, f"ferments/batches/{leaver.batch}"

    for answer in (
        leo.get(batch),
        leo.get("ferments/batches"),
        leo.post("ferments/batches", {"name": "One more"}),
        leo.get("me/devices"),
        leo.post("me/devices", {"token": leaver.token, "platform": "ios"}),
        leo.get("me/reminders"),
        leo.get("ferments/export.csv"),
    ):
        assert problem(answer, 410) == "gone", answer.url
    assert problem(leo.get(f"public/b/{leaver.batch}"), 404) == "not-found"
    assert leo.read("me")["deletion"]["status"] == "deleting"
    assert expect(leo.delete("me"), 202)["status"] == "deleting"
