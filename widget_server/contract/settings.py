"""Every setting there is: one table, and the frozen value that is handed to all rooms.

`run/config.py` reads the environment into `Settings`; nothing else does. The README's table is made from SETTINGS.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "ATBALSS_"
MIN_SECRET = 16

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_YES = ("1", "yes", "true", "on")
_NO = ("0", "no", "false", "off")


class SettingsError(Exception):
    """A setting nobody can work with. The message is one sentence that names it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table. `default` is what would stand in the environment; None means "see `help`"."""

    name: str
    default: str | None
    help: str
    parse: Callable[[str], Any]

    @property
    def field(self) -> str:
        """Its name in `Settings`."""
        return self.name.removeprefix(PREFIX).lower()

    def read(self, raw: str) -> Any:
        """The parsed value. Raises SettingsError naming the setting; a secret is never repeated."""
        try:
            return self.parse(raw)
        except ValueError as error:
            shown = "" if self.field == "secret_key" else f', not "{raw}"'
            raise SettingsError(f"{self.name} must be {error}{shown}.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decided, read once at the start."""

    database_url: str
    redis_url: str
    secret_key: str
    base_url: str
    data_dir: Path
    host: str
    port: int
    proxies: int
    spill_dir: Path
    spill_limit: int
    stream_limit: int
    redis_memory: int
    redis_timeout: float
    redis_trusted: bool
    allow_private: bool
    shop_rate: int
    network_rate: int
    burst: int
    drain: float
    log_level: str

    def __repr__(self) -> str:
        # The other fields may carry a password, and a repr ends in logs.
        return f"Settings(data_dir={str(self.data_dir)!r}, base_url={self.base_url!r})"


def parse_size(raw: str) -> int:
    """Bytes of "256MiB", "64 mb", "1g" or "1048576"."""
    found = re.fullmatch(r"([0-9]{1,15})\s*([kmg]?)i?b?", raw.strip().lower(), re.ASCII)
    if found is None or int(found[1]) == 0:
        raise ValueError('a size such as "256MiB"')
    return int(found[1]) * _UNITS[found[2]]


def parse_yes(raw: str) -> bool:
    word = raw.strip().lower()
    if word not in _YES + _NO:
        raise ValueError('"1" or "0"')
    return word in _YES


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", raw.strip(), re.ASCII) or not low <= int(raw) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(raw)

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(raw: str) -> float:
        text = raw.strip()
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text, re.ASCII) or not low <= float(text) <= high:
            raise ValueError(f"a number of seconds from {low} to {high}")
        return float(text)

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        text = raw.strip()
        if not any(text.startswith(f"{scheme}://") and len(text) > len(scheme) + 3 for scheme in schemes):
            raise ValueError("an address that begins with " + " or ".join(f"{s}://" for s in schemes))
        return text

    return parse


def _origin(raw: str) -> str:
    parts = urlsplit(raw.strip())
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError('an address such as "https://voice.example.com"')
    return raw.strip().rstrip("/")


def _secret(raw: str) -> str:
    if len(raw.strip()) < MIN_SECRET:
        raise ValueError(f"at least {MIN_SECRET} characters long")
    return raw.strip()


def _folder(raw: str) -> Path:
    if not raw.strip():
        raise ValueError("the path of a folder")
    return Path(raw.strip()).expanduser().absolute()


def _text(raw: str) -> str:
    if not raw.strip():
        raise ValueError("not empty")
    return raw.strip()


def _level(raw: str) -> str:
    level = raw.strip().lower()
    if level not in ("debug", "info", "warning", "error"):
        raise ValueError("debug, info, warning or error")
    return level


SETTINGS: tuple[Setting, ...] = (
    Setting("ATBALSS_DATA_DIR", "./atbalss-data", "Folder of everything one machine keeps.", _folder),
    Setting(
        "ATBALSS_DATABASE_URL",
        None,
        "`postgresql://user:password@host/name`, or `sqlite:///FILE`. Without it: SQLite in the data folder.",
        _url("sqlite", "postgresql", "postgres", "postgresql+psycopg"),
    ),
    Setting(
        "ATBALSS_REDIS_URL",
        None,
        "Redis 6.2+ or Valkey: `redis://`, `rediss://` or `unix://`. Without it: a Valkey that `atbalss up` starts itself.",
        _url("redis", "rediss", "unix"),
    ),
    Setting(
        "ATBALSS_SECRET_KEY",
        None,
        f"At least {MIN_SECRET} characters, the same on every machine; seals the secrets in the database. "
        "Without it: made once and kept in the data folder.",
        _secret,
    ),
    Setting(
        "ATBALSS_BASE_URL",
        None,
        "The address shoppers reach this server by. Without it: http://localhost:PORT.",
        _origin,
    ),
    Setting("ATBALSS_HOST", "127.0.0.1", "Address to listen on; 0.0.0.0 for all.", _text),
    Setting("ATBALSS_PORT", "8000", "Port to listen on; 0 takes a free one.", _whole(0, 65535)),
    Setting(
        "ATBALSS_PROXIES",
        "0",
        "How many trusted proxies stand in front. So many entries at the end of X-Forwarded-For are believed.",
        _whole(0, 10),
    ),
    Setting(
        "ATBALSS_SPILL_DIR",
        None,
        "Where events wait while Redis is away. Without it: `spill` in the data folder.",
        _folder,
    ),
    Setting(
        "ATBALSS_SPILL_LIMIT", "256MiB", "All spill files together; beyond it the reply is 503.", parse_size
    ),
    Setting(
        "ATBALSS_STREAM_LIMIT",
        "1000000",
        "Events waiting in the stream; beyond it the reply is 503.",
        _whole(100, 10**9),
    ),
    Setting(
        "ATBALSS_REDIS_MEMORY", "256MiB", "`maxmemory` of the Valkey that `atbalss up` starts.", parse_size
    ),
    Setting(
        "ATBALSS_REDIS_TIMEOUT",
        "1.0",
        "Seconds to wait for Redis before an event goes to the spill.",
        _seconds(0.05, 10),
    ),
    Setting(
        "ATBALSS_REDIS_TRUSTED",
        "0",
        "1 when Redis hides its settings (hosted ones do) and you know that it keeps on disk what it has acknowledged.",
        parse_yes,
    ),
    Setting(
        "ATBALSS_ALLOW_PRIVATE",
        "0",
        "1 lets webhooks go to private addresses. For tests and on-premises systems only.",
        parse_yes,
    ),
    Setting("ATBALSS_SHOP_RATE", "60000", "Events a minute from browsers, for each shop.", _whole(1, 10**9)),
    Setting(
        "ATBALSS_NETWORK_RATE",
        "6000",
        "Requests a minute from one network (/24 of IPv4, /48 of IPv6).",
        _whole(1, 10**9),
    ),
    Setting(
        "ATBALSS_BURST",
        "60",
        "Answers without proof of purchase from one network to one shop in ten minutes; later ones wait in quarantine.",
        _whole(1, 10**9),
    ),
    Setting(
        "ATBALSS_DRAIN",
        "0",
        "Seconds that a stopping web process still serves while /readyz says 503, so that a load balancer notices.",
        _seconds(0, 300),
    ),
    Setting("ATBALSS_LOG_LEVEL", "info", "debug, info, warning or error.", _level),
)
