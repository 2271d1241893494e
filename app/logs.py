"""Logs: one line of JSON for each thing that happened, on standard output, without secrets."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

import orjson
import structlog
from jinja2 import TemplateError
from sqlalchemy.exc import DBAPIError

from app.core.errors import DomainError
from app.core.redaction import redact

# Errors whose words are about the code. All others may repeat a value: a password, a text, a name.
_ABOUT_CODE = (
    DomainError,
    AssertionError,
    AttributeError,
    ImportError,
    NameError,
    RuntimeError,
    TemplateError,
    TypeError,
)

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(level: str, process: str) -> None:
    """Send everything, that of libraries too, through one format. Safe to call again."""
    shared = [
        lambda _logger, _method, event: {**event, "process": process},  # a greenlet or thread inherits no context
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            _format_exception,
            redact,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(level.upper(), 20)),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _format_exception,
                redact,
                structlog.processors.JSONRenderer(serializer=_dumps),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def traceback_without_values(info: ExcInfo) -> str:
    """Where an exception and its causes came from, with the words of those only that say nothing of anybody's data."""
    parts = []
    for error in _chain(info[1]):
        parts.append("".join(traceback.format_tb(error.__traceback__)) + _in_words(error))
    return "\n\nwhich led to\n\n".join(parts)


_format_exception = structlog.processors.ExceptionRenderer(traceback_without_values)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The causes of an error, first cause first, and the error."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _chain(cause)
    yield error


def _in_words(error: BaseException) -> str:
    name = type(error).__qualname__
    if isinstance(error, DBAPIError):
        told = getattr(error.orig, "diag", None)
        facts = [getattr(error.orig, "sqlstate", None), getattr(told, "table_name", None)]
        return f"{name}: {' '.join(filter(None, [*facts, getattr(told, 'constraint_name', None)]))}"
    return f"{name}: {error}" if isinstance(error, _ABOUT_CODE) else name


def _dumps(value: object, **_options: object) -> str:
    return orjson.dumps(value, default=str).decode()
