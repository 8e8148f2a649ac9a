"""Log lines are JSON, whatever is logged and whoever logs it, and nothing is printed past the filter."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stamina

from tests.lambdas import Context
from watchkeeper import correlation
from watchkeeper.entry import entry_point
from watchkeeper.logs import logger, redact_libraries

Written = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[io.TextIOWrapper]:
    """Where the lines go; it takes UTF-8 only, as Lambda's does."""
    lines = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    before = logger.registered_handler.setStream(lines)  # type: ignore[attr-defined]
    yield lines
    logger.registered_handler.setStream(before)  # type: ignore[attr-defined]


@pytest.fixture
def written(stream: io.TextIOWrapper) -> Written:
    return lambda: _lines(stream)


def _lines(stream: io.TextIOWrapper) -> list[dict[str, Any]]:
    stream.seek(0)
    return [json.loads(line) for line in stream.read().splitlines()]


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no text for jane@kernel.example")


def test_a_lone_surrogate_is_written_and_prints_nothing_else(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        raise ValueError("jane@kernel.example \udcff")
    except ValueError:
        record = logging.root.makeRecord(
            "a", logging.ERROR, "a.py", 1, "failed", (), sys.exc_info(), extra={"text": "a\ud800b"}
        )

    logger.registered_handler.handle(record)  # past pytest's own handlers, which cannot send it to its other processes

    [line] = written()
    assert line["text"] == "a\ud800b"
    assert capsys.readouterr().err == ""


def test_a_line_is_one_line_for_every_reader(stream: io.TextIOWrapper) -> None:
    logger.info("a\u2028b\x85c\nd")

    stream.seek(0)
    assert len(stream.read().splitlines()) == 1


def test_what_cannot_be_written_is_said_and_not_shown(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    with correlation.following("mine"):
        logger.info("of jane@kernel.example", value=Unprintable())

    [line] = written()
    assert (line["message"], line["error"]) == ("a line could not be written", "ValueError")
    assert line["correlation_id"] == "mine"
    assert "jane@" not in json.dumps(line) + capsys.readouterr().err


def test_a_handler_that_fails_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    closed = io.StringIO()
    closed.close()
    before = logger.registered_handler.setStream(closed)  # type: ignore[attr-defined]
    try:
        logger.info("of jane@kernel.example")
    finally:
        logger.registered_handler.setStream(before)  # type: ignore[attr-defined]

    assert capsys.readouterr().err == ""


def test_a_line_has_the_correlation_id_of_what_is_done_now(written: Written) -> None:
    logger.info("before")
    with correlation.following("outer"), correlation.following("inner"):
        logger.info("within")
    logger.info("after")

    assert [line.get("correlation_id") for line in written()] == [None, "inner", None]


@pytest.fixture
def lambdas_root(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The root logger with a handler of its own, as Lambda's runtime has it when a function's module is imported."""
    out = io.StringIO()
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler(out)])
    redact_libraries(logging.root)
    return out


def test_a_retry_told_by_stamina_passes_the_filter(lambdas_root: io.StringIO) -> None:
    failures = iter([ValueError("GET /?apikey=Ab3xQ9 failed for jane@kernel.example")])

    @entry_point
    @stamina.retry(on=ValueError, attempts=2)
    def work(event: dict[str, Any], context: Context) -> dict[str, Any]:
        for failure in failures:
            raise failure
        return {}

    with stamina.set_testing(True, attempts=2):
        work({}, Context("request-7"))

    [line] = [json.loads(text) for text in lambdas_root.getvalue().splitlines()]
    assert (line["message"], line["correlation_id"]) == ("stamina.retry_scheduled", "request-7")
    assert line["stamina.caused_by"] == "ValueError('GET /?apikey=[redacted] failed for [address]')"


def test_a_traceback_told_by_a_library_passes_the_filter(lambdas_root: io.StringIO) -> None:
    try:
        raise OSError("no mail of jane@kernel.example")
    except OSError:
        logging.getLogger("somebody.else").exception("failed")

    [line] = [json.loads(text) for text in lambdas_root.getvalue().splitlines()]
    assert (line["message"], line["exception_name"]) == ("failed", "OSError")
    assert "jane@" not in lambdas_root.getvalue()


def test_without_handlers_libraries_are_redacted_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])

    logging.getLogger("somebody.else").warning("no mail of jane@kernel.example")

    assert json.loads(capsys.readouterr().err)["message"] == "no mail of [address]"
