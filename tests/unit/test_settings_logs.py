"""Log lines: one line each, machine-readable, nothing personal through the back door."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from widget_server.run import logs


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("info", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_and_fields(out: io.StringIO) -> None:
    structlog.get_logger("intake").info("stored", events=3)
    (line,) = _lines(out)
    assert (line["event"], line["level"], line["logger"], line["events"]) == ("stored", "info", "intake", 3)
    assert line["timestamp"].endswith("Z")


def test_a_line_end_in_the_data_does_not_begin_a_line(out: io.StringIO) -> None:
    structlog.get_logger().warning("refused", query='shoes\r\n{"event": "forged"}\x1b[31m\u2028')
    (line,) = _lines(out)
    assert line["event"] == "refused"
    assert not {"\r", "\n", "\x1b", "\u2028"} & set(line["query"])


def test_libraries_that_use_logging_come_out_the_same_way(out: io.StringIO) -> None:
    logging.getLogger("some.library").warning("slow %s", "answer")
    logging.getLogger("rq.worker").info("chatter")
    (line,) = _lines(out)
    assert (line["event"], line["level"], line["logger"]) == ("slow answer", "warning", "some.library")


def test_an_exception_is_one_line_without_the_values_of_variables(out: io.StringIO) -> None:
    def work() -> None:
        mail = "anna@example.com"  # noqa: F841
        raise ValueError("broken\nin two")

    try:
        work()
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = _lines(out)
    assert line["exception"] == "ValueError: broken\\nin two"
    assert "work" in line["at"][-1]
    assert "anna@" not in out.getvalue()


def test_what_is_below_the_level_is_not_written(out: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    assert out.getvalue() == ""
