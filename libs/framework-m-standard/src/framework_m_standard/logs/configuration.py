"""Configuration of logging, by the standard library and structlog."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

from framework_m_core.bootstrap.settings.models import Settings
from framework_m_standard.logs.processors import (
    EventDict,
    add_log_context,
    drop_repeated_id,
    escape_record,
    hide_secrets,
)
from framework_m_standard.logs.settings import LogSettings
from framework_m_standard.logs.structlog_import import structlog

__all__ = ["configure_logs", "log_formatter"]

_read_extra: Final = structlog.stdlib.ExtraAdder()


def configure_logs(settings: Settings) -> None:
    """Configure logging to standard error by `[logs]`, unless the process has configured logging already."""
    section = settings.sections["logs"]
    assert isinstance(section, LogSettings)  # noqa: S101 - the section's registered model
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler()
    is_json = section.choose_format(production=settings.production) == "json"
    handler.setFormatter(log_formatter(is_json=is_json, colors=sys.stderr.isatty()))
    root.addHandler(handler)
    root.setLevel(section.root_level.upper())
    if section.level == "auto" and not settings.production:
        for app in settings.local_apps:
            logging.getLogger(app.value.partition(":")[0]).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def log_formatter(*, is_json: bool, colors: bool = False) -> logging.Formatter:
    """Return a formatter of records of the standard library and of structlog."""
    last: list[Any] = (
        [structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer()]
        if is_json
        else [
            drop_repeated_id,
            escape_record,
            structlog.dev.ConsoleRenderer(pad_event_to=0, colors=colors, pad_level=False),
        ]
    )
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            _add_extra,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.TimeStamper(fmt="iso" if is_json else "%H:%M:%S", utc=is_json),
            add_log_context,
            hide_secrets,
            *last,
        ]
    )


def _add_extra(logger: Any, method: str, record: EventDict) -> EventDict:
    """Add the `extra` of a log call, except a replacement of the message, and uvicorn's coloured copy of it."""
    message = record["event"]
    record = _read_extra(logger, method, record)
    if record["event"] is not message:
        record.update(event=message, extra_event=record["event"])
    record.pop("color_message", None)
    return record
