"""Reads the environment into `Settings`, and fills in what one machine needs: database, Valkey socket, secret key.

A setting may come from a file: `ATBALSS_SECRET_KEY_FILE=/run/secrets/key` is read in place of `ATBALSS_SECRET_KEY`.
"""

import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from widget_server.contract.settings import PREFIX, SETTINGS, Setting, Settings, SettingsError

_FILE = "_FILE"
SOCKET = "valkey.sock"
# A Unix socket's path must fit into 108 bytes on Linux and 104 on macOS; Valkey did not start with more than 100.
SOCKET_PATH_LIMIT = 100


def load(environ: Mapping[str, str], data_dir: Path | None = None) -> Settings:
    """The settings. `data_dir` (of the command line) goes before ATBALSS_DATA_DIR. Raises SettingsError."""
    raw = {setting.field: _raw(setting, environ) for setting in SETTINGS}
    if data_dir is not None:
        raw["data_dir"] = str(data_dir)
    read = {s.field: s.read(value) for s in SETTINGS if (value := raw[s.field]) is not None}
    folder: Path = read["data_dir"]
    if "?" in str(folder):
        raise SettingsError(f"ATBALSS_DATA_DIR must be a path without a question mark, not {folder}.")
    make_private_folder(folder)
    read.setdefault("database_url", f"sqlite:///{folder / 'atbalss.db'}")
    if "redis_url" not in read:
        read["redis_url"] = own_redis_url(folder)
    if "secret_key" not in read:
        read["secret_key"] = _own_secret(folder / "secret-key")
    read.setdefault("base_url", default_base_url(read["port"]))
    read.setdefault("spill_dir", folder / "spill")
    return Settings(**read)


def default_base_url(port: int) -> str:
    return f"http://localhost:{port}"


def own_redis_url(data_dir: Path) -> str:
    """The address of the Valkey that one machine keeps in its data folder."""
    return f"unix://{quote(str(runtime_folder(data_dir) / SOCKET))}"


def socket_path(settings: Settings) -> Path:
    """Where the own Valkey listens."""
    return runtime_folder(settings.data_dir) / SOCKET


def owns_redis(settings: Settings) -> bool:
    """Whether the one-machine mode has to start a Valkey of its own."""
    return settings.redis_url == own_redis_url(settings.data_dir)


def unknown(environ: Mapping[str, str]) -> list[str]:
    """One sentence for each ATBALSS_ variable that nobody reads: a misspelt setting must not stay unnoticed."""
    known = {setting.name for setting in SETTINGS}
    return [
        f"{name} is not a setting of Atbalss; is it misspelt?"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name.removesuffix(_FILE) not in known
    ]


def make_private_folder(folder: Path) -> None:
    """Make `folder` (0700), or say in a sentence why it can't be had. An existing one keeps its mode."""
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The folder {folder} can't be made: {error.strerror}.") from error


def runtime_folder(data_dir: Path) -> Path:
    """The folder of the Valkey socket: in the data folder, or, when that path is too long, a short one it points to."""
    near = data_dir / "run"
    if len(os.fsencode(near / SOCKET)) < SOCKET_PATH_LIMIT:
        make_private_folder(near)
        return near
    pointer = data_dir / "run-path"
    if pointer.exists() and _is_ours(known := Path(pointer.read_text(encoding="utf-8").strip())):
        return known
    made = Path(tempfile.mkdtemp(prefix="atbalss-", dir=_short_root()))
    return Path(_store_once(pointer, str(made), replace=pointer.exists()))


def _raw(setting: Setting, environ: Mapping[str, str]) -> str | None:
    """What stands in the environment or the file it names; an empty value counts as not given."""
    direct, path = environ.get(setting.name, ""), environ.get(setting.name + _FILE, "")
    if direct and path:
        raise SettingsError(f"{setting.name} and {setting.name}{_FILE} are both given; leave one out.")
    if not path:
        return direct or setting.default
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{setting.name}{_FILE} names {path}, which can't be read: {error}.") from error


def _own_secret(path: Path) -> str:
    if path.exists():
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"The secret key in {path} can't be read: {error.strerror}.") from error
    return _store_once(path, secrets.token_urlsafe(32))


def _store_once(path: Path, text: str, replace: bool = False) -> str:
    """Write `text` (0600) unless another process was first; return what stands in the file. Never half written."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        if replace:
            Path(temporary).replace(path)
        else:
            os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path.read_text(encoding="utf-8").strip()


def _short_root() -> str:
    """A folder with a short path that only lives as long as the machine runs."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return runtime if runtime and len(runtime) < 60 and os.access(runtime, os.W_OK) else "/tmp"  # noqa: S108


def _is_ours(folder: Path) -> bool:
    """Nobody else can have put a folder of that name there while ours was swept away."""
    try:
        state = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.geteuid() and not state.st_mode & 0o077
