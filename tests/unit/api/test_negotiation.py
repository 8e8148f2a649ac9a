import pytest

from api.web.negotiation import preferred

JSON, HTML = "application/json", "text/html"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def chosen(accept: str | None) -> str:
    return preferred({"headers": {} if accept is None else {"accept": accept}}, JSON, HTML)


@pytest.mark.parametrize(
    "accept",
    [
        BROWSER,
        "text/html",
        "TEXT/HTML",
        "text/*",
        "text/html;level=1",
        "text/html, application/json;q=0.9",
        "application/json;q=0.1,text/html;q=0.2",
        "*/*;q=0.5, text/html;q=0.6",
        "text/html, */*",
        "application/json;q=0, */*",
        "application/*;q=0.5, text/*;q=0.501",
        "text/html ; q=1.000 , application/json ; Q=0.999",
    ],
)
def test_what_has_the_greatest_weight_is_sent(accept: str) -> None:
    assert chosen(accept) == HTML


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/json",
        "application/json, text/plain, */*",
        "application/json, text/html",
        "text/html;q=0, */*",
        "text/html;q=0.5, application/*",
        "image/png",
    ],
)
def test_the_first_one_where_it_is_as_good_or_nothing_is_acceptable(accept: str | None) -> None:
    assert chosen(accept) == JSON


@pytest.mark.parametrize("weight", ["nan", "inf", "-1", "1.5", "2", "", "0.1234", "١", "1e0", "q"])
def test_a_weight_that_is_none_refuses(weight: str) -> None:
    assert chosen(f"text/html;q={weight}, application/json;q=0.001") == JSON


@pytest.mark.parametrize("accept", [",", ";", ";;q=1,", "/", "text/html;", "text/html;;", "q=1", "=", "\x00"])
def test_garbage_is_survived(accept: str) -> None:
    assert chosen(accept) in (JSON, HTML)


@pytest.mark.parametrize("accept", ["text/html;q=0", "text/html;q=foo", "text/html;q=0, image/png"])
def test_what_is_refused_is_not_sent(accept: str) -> None:
    assert chosen(accept) == JSON
