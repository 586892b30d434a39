"""Finds a Chromium for the tests: `python -m tests.browser.chromium` says where, or installs it, or says how to get it.

Looked for on PATH, in the usual places and in Playwright's own folder. As root on Debian the distribution's package is
installed. A test run without a browser is a failure, never a skip.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/usr/bin/chromium",
    "/usr/bin/google-chrome",
    "/opt/google/chrome/chrome",
    "/snap/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
CACHES = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
HOW = "The browser tests need Chromium: install it (Debian: apt-get install chromium) or run `.venv/bin/playwright install chromium`."


class NoChromium(Exception):
    """There is none on this machine."""


def find() -> str:
    """The path of a Chromium; raises NoChromium."""
    for candidate in (*(shutil.which(name) for name in NAMES), *PLACES, *_cached()):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise NoChromium(HOW)


def arguments() -> list[str]:
    """What it must be started with here."""
    # Chromium's sandbox refuses root. Without a screen it calls itself a robot, whose answers would wait in quarantine.
    return ["--disable-gpu", f"--user-agent={_AGENT}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def install() -> bool:
    """Installs Debian's package where that is possible; whether it was tried."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"]):
        subprocess.run(["apt-get", "-qq", *step], env=environment, stdout=subprocess.DEVNULL, check=False)
    return True


def main() -> int:
    try:
        print(f"Chromium: {find()}")
    except NoChromium as missing:
        if install():
            try:
                print(f"Chromium: {find()}")
                return 0
            except NoChromium:
                pass
        print(missing, file=sys.stderr)
        return 1
    return 0


def _cached() -> list[str]:
    given = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    found: list[Path] = []
    for folder in (*([given] if given else []), *CACHES):
        found += sorted(Path(folder).expanduser().glob("chromium-*/*/chrome"), reverse=True)
        found += sorted(Path(folder).expanduser().glob("chromium-*/*/*.app/Contents/MacOS/*"), reverse=True)
    return [str(path) for path in found]


if __name__ == "__main__":
    sys.exit(main())
