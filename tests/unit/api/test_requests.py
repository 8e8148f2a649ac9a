import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.routes import NAMES_IN_PATHS
from api.web.requests import (
    BodyTooLarge,
    ManyInBody,
    accepts_gzip,
    header,
    is_match,
    with_checked_body,
    with_one_segment,
)
from tests.integration.api.events import http_request


def test_headers_may_be_missing_altogether() -> None:
    assert header({}, "accept") == header({"headers": None}, "accept") == ""


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip", "GZIP;q=0.5", "*", "identity, *;q=0.1"])
def test_gzip_is_welcome(accepted: str) -> None:
    assert accepts_gzip({"headers": {"accept-encoding": accepted}})


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "*, gzip;q=0", "gzip;q=nonsense", "*;q=0"])
def test_gzip_is_not_welcome(accepted: str) -> None:
    assert not accepts_gzip({"headers": {"accept-encoding": accepted}})


@pytest.mark.parametrize("wanted", ['"a"', 'W/"a"', '"b", "a"', "*", '"b",W/"a"'])
def test_a_named_entity_matches(wanted: str) -> None:
    assert is_match({"headers": {"if-none-match": wanted}}, '"a"')


@pytest.mark.parametrize("wanted", ["", '"b"', "a", 'w"a"'])
def test_another_entity_does_not(wanted: str) -> None:
    assert not is_match({"headers": {"if-none-match": wanted}}, '"a"')


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("/api/v1/kernel/threads/a/b@x", "/api/v1/kernel/threads/a%2Fb%40x"),
        ("/api/v1/kernel/discussions/a%25b+c@x", "/api/v1/kernel/discussions/a%2525b%2Bc%40x"),
        ("/api/v1/kernel/patches/by-message-id/../../x", "/api/v1/kernel/patches/by-message-id/..%2F..%2Fx"),
        ("/api/v1/kernel/people/a/b@x/reviews", "/api/v1/kernel/people/a%2Fb%40x/reviews"),
        ("/api/v1/kernel/people/reviews@x", "/api/v1/kernel/people/reviews%40x"),
        ("/prod/api/v1/kernel/threads/a/b@x", "/prod/api/v1/kernel/threads/a%2Fb%40x"),
        ("/api/v1/kernel/patches/a/b@x", "/api/v1/kernel/patches/a%2Fb%40x"),
        ("/api/v1/kernel/patches/a/b@x/discussions", "/api/v1/kernel/patches/a%2Fb%40x/discussions"),
        ("/api/v1/kernel/patches/12/discussions", "/api/v1/kernel/patches/12/discussions"),
        ("/api/v1/kernel/threads/", "/api/v1/kernel/threads/"),
    ],
)
def test_a_name_becomes_one_segment(path: str, segments: str) -> None:
    assert with_one_segment({"rawPath": path}, NAMES_IN_PATHS)["rawPath"] == segments


@given(st.text())
def test_no_path_breaks_the_reading_of_names(path: str) -> None:
    assert with_one_segment({"rawPath": path}, NAMES_IN_PATHS)["rawPath"].count("\n") <= path.count("\n")


@pytest.mark.parametrize("body", ["[]", "[{}]", " [1, 2]"])
def test_a_body_is_no_list(body: str) -> None:
    """Its first would be taken, and the others would be lost."""
    with pytest.raises(ManyInBody):
        with_checked_body(http_request("POST", "/", {"Content-Type": "application/json"}, body=body))


def test_how_long_a_body_may_be_is_for_its_function_to_say() -> None:
    request = http_request("POST", "/", {"Content-Type": "application/json"}, body='"' + "x" * 8 + '"')

    assert with_checked_body(request, 10)["body"] == '"xxxxxxxx"'
    with pytest.raises(BodyTooLarge, match="9 bytes"):
        with_checked_body(request, 9)
