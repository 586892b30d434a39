"""The peers: fetched from the package registries as they are published, at the versions named here."""

import json
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

SNIPPET = Path(__file__).parents[2] / "js_snippet"
_NODE = SNIPPET / "node.py"
POSTHOG, SENTRY, COUNTLY, ISSO = "1.449.2", "11.12.0", "26.1.1", "0.14.0"
_AWAY = "The peers could not be downloaded, so there is nothing to compare with: "


class NotReached(Exception):
    """A registry gave no package; says which and why in one sentence."""


@dataclass(frozen=True)
class Script:
    """A file of a peer. `runs` is false for what a page can't load as it is."""

    name: str
    what: str
    path: Path
    runs: bool = True


def fetch(folder: Path) -> list[Script]:
    """Download all of them into `folder`, an empty one."""
    for package in (f"posthog-js@{POSTHOG}", f"countly-sdk-web@{COUNTLY}"):
        said = _npm(package, "pack", "--pack-destination", str(folder), package)
        _unpack(folder / said.split()[-1], folder / package.partition("@")[0])
    # Published as a module that imports others of its house: those come with it.
    package = f"@sentry/feedback@{SENTRY}"
    _npm(package, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder), package)
    wanted = f"isso=={ISSO}"
    _run(
        [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--no-binary",
         "isso", "--dest", str(folder), wanted], wanted,
    )  # fmt: skip
    _unpack(next(folder.glob("isso-*.tar.gz")), folder / "isso")
    shipped = folder / "node_modules" / "@sentry/feedback/build/npm/esm/index.js"
    bundled = folder / "sentry-feedback.js"
    weigh([], bundle=[(shipped, bundled)])
    return [
        Script(
            "posthog-js array.js",
            f"{POSTHOG}, as shipped; on every page",
            folder / "posthog-js/dist/array.js",
        ),
        Script(
            "posthog-js surveys.js",
            "as shipped; once the project has a survey",
            folder / "posthog-js/dist/surveys.js",
        ),
        Script(
            "@sentry/feedback, module",
            f"{SENTRY}, as shipped: not minified, without @sentry/core",
            shipped,
            False,
        ),
        Script("@sentry/feedback, bundled", "with what it needs of @sentry/core, minified here", bundled),
        Script(
            "countly-sdk-web",
            f"{COUNTLY}, lib/countly.min.js as shipped",
            folder / "countly-sdk-web/lib/countly.min.js",
        ),
        Script("isso embed", f"{ISSO}, js/embed.min.js as shipped", folder / "isso/isso/js/embed.min.js"),
    ]


def weigh(files: list[Path], bundle: list[tuple[Path, Path]] | None = None) -> list[tuple[int, int, int]]:
    """Bytes, gzip and brotli of each file; `bundle` is made first."""
    task = json.dumps(
        {"bundle": [[str(a), str(b)] for a, b in bundle or []], "weigh": [str(f) for f in files]},
    )
    done = subprocess.run(
        [sys.executable, str(_NODE), "run", "--silent", "weigh"],
        input=task, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"weigh.mjs failed: {done.stderr}")
    return [(a, b, c) for a, b, c in json.loads(done.stdout)]


def _npm(wanted: str, *arguments: str) -> str:
    return _run([sys.executable, str(_NODE), *arguments, "--loglevel=error", "--fetch-retries=1"], wanted)


def _run(command: list[str], wanted: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        raise NotReached(f"{_AWAY}{wanted} did not come within three minutes.") from None
    if done.returncode:
        said = re.search(r"^(?:npm error|ERROR:) (.+)$", done.stderr, re.MULTILINE)
        raise NotReached(f"{_AWAY}{wanted} did not come ({said[1] if said else f'exit {done.returncode}'}).")
    return done.stdout


def _unpack(archive: Path, target: Path) -> None:
    """The files of the one folder that such archives hold."""
    loose = target.parent / f".{target.name}"
    with tarfile.open(archive) as packed:
        packed.extractall(loose, filter="data")
    (top,) = loose.iterdir()
    target.parent.mkdir(parents=True, exist_ok=True)
    top.rename(target)
    loose.rmdir()
