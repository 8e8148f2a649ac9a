"""How the deployed API speaks HTTP: validators, compression, cursors, problems, its own description."""

import json
from urllib.parse import urljoin

import pytest
from requests.structures import CaseInsensitiveDict

from tests.e2e.api import Api

PROBLEM = "application/problem+json"


def test_an_answer_that_did_not_change_is_not_sent_again(api: Api) -> None:
    first = api.get("kernel/patches")

    again = api.get("kernel/patches", {"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_long_answers_are_compressed_for_those_who_accept_it(api: Api) -> None:
    packed, plain = (api.get("kernel/patches", {"Accept-Encoding": coding}) for coding in ("gzip", "identity"))

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert _length(packed.headers) < _length(plain.headers) / 3
    assert packed.headers["ETag"] != plain.headers["ETag"]


def _length(headers: CaseInsensitiveDict[str]) -> int:
    return int(headers["Content-Length"])


def test_the_next_page_is_linked(api: Api) -> None:
    first = api.get("kernel/patches", limit=5)

    following = api.at(urljoin(first.url, first.links["next"]["url"]))

    assert following.json() == api.read("patches", limit=5, cursor=first.json()["cursor"])


def test_an_edited_cursor_is_refused(api: Api) -> None:
    cursor = api.read("patches", limit=5)["cursor"]
    edited = ("B" if cursor[9] == "A" else "A").join((cursor[:9], cursor[10:]))

    answer = api.get("kernel/patches", limit=5, cursor=edited)

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, PROBLEM)
    assert answer.json()["type"] == "urn:watchkeeper:problem:invalid-cursor"


def test_a_cursor_is_good_for_its_own_query_only(api: Api) -> None:
    cursor = api.read("patches", limit=5)["cursor"]

    assert api.get("kernel/patches", limit=5, cursor=cursor, state="new").status_code == 400


@pytest.mark.parametrize("path", ["patches/999999", "series/999999", "discussions/nobody@nowhere.example", "nothing"])
def test_what_is_not_there_is_a_problem_with_an_id_to_ask_about(api: Api, path: str) -> None:
    answer = api.get(f"kernel/{path}", {"X-Correlation-Id": "asked-by-a-test"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, PROBLEM)
    assert answer.json()["type"] == "urn:watchkeeper:problem:not-found"
    assert answer.json()["correlation_id"] == answer.headers["X-Correlation-Id"] == "asked-by-a-test"


@pytest.mark.parametrize("path", ["../v1", "nothing", "kernel", "openapi.yaml"])
def test_what_no_route_leads_to_is_a_problem_too(api: Api, path: str) -> None:
    answer = api.get(path)

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, PROBLEM)


def test_a_parameter_without_sense_is_named(api: Api) -> None:
    answer = api.get("kernel/patches", limit=0)

    assert (answer.status_code, answer.headers["Content-Type"]) == (422, PROBLEM)
    assert [error["parameter"] for error in answer.json()["errors"]] == ["limit"]


def test_head_is_answered_like_get_without_a_body(api: Api) -> None:
    got = api.get("kernel/patches", {"Accept-Encoding": "gzip"})

    head = api.at(got.url, "HEAD", {"Accept-Encoding": "gzip"})

    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", got.headers["ETag"])


def test_facts_cannot_be_written(api: Api) -> None:
    answer = api.at(api.get("kernel/patches").url, "POST")

    assert (answer.status_code, answer.headers["Content-Type"], answer.headers["Allow"]) == (405, PROBLEM, "GET, HEAD")


def test_the_description_leads_back_to_the_api(api: Api) -> None:
    described = api.get("openapi.json")
    server = urljoin(described.url, described.json()["servers"][0]["url"]).rstrip("/")

    assert api.at(f"{server}/api/v1/kernel/freshness").status_code == 200


def test_the_api_describes_itself(api: Api) -> None:
    described = api.get("openapi.json")

    assert described.headers["Content-Type"] == "application/json"
    server = urljoin(described.url, described.json()["servers"][0]["url"]).rstrip("/")
    paths = described.json()["paths"]
    simple = [path for path, methods in paths.items() if "{" not in path and "get" in methods]
    assert len(paths) >= 12
    statuses = {path: api.at(f"{server}{path}").status_code for path in simple}
    of_groups = {path for path in simple if path.startswith("/api/v1/observability/")}
    assert {path for path, status in statuses.items() if status == 403} == of_groups
    assert {status for path, status in statuses.items() if path not in of_groups} == {200}


def test_the_documentation_is_a_page_that_needs_no_other_site(api: Api) -> None:
    page = api.get("docs")

    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert json.dumps(api.get("openapi.json").json()["info"]["title"]) in page.text


def test_browsers_of_other_sites_may_read(api: Api) -> None:
    asked = api.preflight("kernel/patches", "https://example.org")
    answer = api.get("kernel/stats", {"Origin": "https://example.org"})

    assert asked.status_code in (200, 204)
    assert asked.headers["Access-Control-Allow-Origin"] == answer.headers["Access-Control-Allow-Origin"] == "*"
