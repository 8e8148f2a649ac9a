"""What all bodies have in common."""

from typing import Any

import pytest
from pydantic import ValidationError

from api.web.bodies import Body


class Inside(Body):
    name: str = ""


class Sent(Body):
    inside: Inside = Inside()


@pytest.mark.parametrize("body", [None, 5, "text", [1], {"inside": []}])
def test_what_is_no_object_is_refused_in_words_of_the_api(body: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        Sent.model_validate(body)

    assert [one["msg"] for one in refused.value.errors()] == ["Input should be an object"]


def test_an_object_is_taken() -> None:
    assert Sent.model_validate({"inside": {"name": "a"}}).inside.name == "a"
    assert Sent(inside=Inside(name="a")).inside.name == "a"
