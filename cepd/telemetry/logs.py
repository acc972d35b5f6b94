"""Log lines: one JSON object a line for machines, or words for a terminal.

A line's message is the stable name of what happened (`swapped`, `listening`); what belongs to it goes into `extra` and
becomes fields. Every line passes through the redaction of secrets, tracebacks included. Lines go to standard output.
"""

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonFormatter(logging.Formatter):
    """`{"ts", "level", "event", …fields, "exception"}` on one line."""

    def __init__(self, redact: Callable[[str], str] = str) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        line = {"ts": _moment(record), "level": record.levelname.lower(), "event": record.getMessage()}
        line.update(_fields(record))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return self._redact(msgspec.json.encode(line, enc_hook=str).decode())


class TextFormatter(logging.Formatter):
    """`10:15:02 INFO swapped rule=cpu outcome=kept`: for people."""

    def __init__(self, redact: Callable[[str], str] = str) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(
            f" {name}={value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()}"
            for name, value in _fields(record).items()
        )
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        text = f"{moment} {record.levelname:<7} {record.getMessage()}{fields}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return self._redact(text)


def setup_logging(json: bool, redact: Callable[[str], str] = str) -> None:
    """Sends every log line of the process to standard output, as JSON or as text."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(redact) if json else TextFormatter(redact))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    for noisy in ("httpx2", "httpcore2", "watchdog"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
