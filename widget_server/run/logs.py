"""Logs: one JSON object a line on stderr, coloured words on a terminal.

Every line is one line: line ends and other control characters that came in with data are escaped. An exception is
its type, its message and the places it passed, never the values of local variables; what shoppers write is not logged.
"""

import logging
import sys
import traceback
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo

_MESSAGE = 500


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send structlog and the standard `logging` through one renderer. May be called again, as after a fork."""
    out = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exception,
        _one_line,
    ]
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(out)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("rq", "sqlalchemy", "alembic", "_granian", "granian"):
        # Some set up loggers below their own, too (RQ its workers').
        below = [known for known in root.manager.loggerDict if known.startswith(f"{name}.")]
        for library in map(logging.getLogger, (name, *below)):
            library.handlers.clear()
            library.propagate = True
            library.setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _renderer(out: TextIO) -> Any:
    if out.isatty():
        # A traceback with its locals would show what shoppers wrote, and passwords.
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer()


def _exception(_logger: Any, _method: str, line: EventDict) -> EventDict:
    found = line.pop("exc_info", None)
    info: ExcInfo | tuple[None, None, None] | None
    if isinstance(found, BaseException):
        info = (type(found), found, found.__traceback__)
    elif isinstance(found, tuple):
        info = found
    else:
        info = sys.exc_info() if found else None
    if info and info[1] is not None:
        line["exception"] = f"{type(info[1]).__name__}: {info[1]}"[:_MESSAGE]
        line["at"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(info[2])][-12:]
    return line


def _one_line(_logger: Any, _method: str, line: EventDict) -> EventDict:
    return {key: _escaped(value) for key, value in line.items()}


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    return value
