"""The log: one line an entry on standard error, for people or as JSON.

An entry may carry facts beside its message: `LOG.info("mined", extra={"facts": {"block": 7}})`.
"""

import json
import logging
import sys
import time
from typing import Final

TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"


def start_log(form: str, level: str) -> None:
    """Write what this process logs to standard error, from this level on."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(JsonLines() if form == "json" else TextLines())
    if level != "debug":
        stream.addFilter(_is_no_chatter)
    logging.basicConfig(handlers=[stream], level=level.upper(), force=True)


def _is_no_chatter(record: logging.LogRecord) -> bool:
    """Whether it is more than what picows tells of every peer that comes, goes or breaks the protocol."""
    if not record.name.startswith("picows."):
        return True
    return record.levelno >= logging.WARNING and not str(record.msg).startswith("WS parser error")


class TextLines(logging.Formatter):
    """`12:00:00.123 info  txpool.daemon: mined a block block=7`."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one entry."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        line = f"{clock}.{record.msecs:03.0f} {record.levelname.lower():<7} {record.name}: {record.getMessage()}"
        facts = "".join(f" {key}={value}" for key, value in _facts(record).items())
        return line + facts + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


class JsonLines(logging.Formatter):
    """One JSON object an entry: `time` (UTC), `level`, `logger`, `message`, then its facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one entry."""
        entry: dict[str, object] = {
            "time": f"{time.strftime(TIME_FORMAT, time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts = getattr(record, "facts", None)
    return facts if isinstance(facts, dict) else {}
