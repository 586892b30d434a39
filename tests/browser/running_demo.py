"""`atbalss demo` as a user starts it, on free ports and in a folder of its own."""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

SECONDS = 90


class RunningDemo:
    """Started when made; raises with what it said when it doesn't get ready. `stop` stops it as Ctrl-C does."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._errors = (folder.parent / f"{folder.name}.err").open("w+b")
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "widget_server.run", "--data-dir", str(folder), "demo",
             *(arguments or ("--port", "0", "--shop-port", "0"))],
            stdout=subprocess.PIPE, stderr=self._errors, env=environment, start_new_session=True,
            # A shell starts what it puts into the background with SIGINT ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )  # fmt: skip
        try:
            self.said = self._read_until_ready()
            self.shop = _found(r"^ready  (http://\S+?)/en/$", self.said)
            self.atbalss = _found(r"^  Owner +(http://\S+)/app$", self.said)
            self.email = _found(r"^ +e-mail (\S+)   password", self.said)
            self.password = _found(r"^ +e-mail \S+   password (\S+)$", self.said)
            self.api_key = _found(r"^  API key +(sk_\S+) ", self.said)
        except BaseException:
            self.stop()
            raise

    def get(self, path: str, **query: Any) -> Any:
        """What the owner API says."""
        request = urllib.request.Request(
            f"{self.atbalss}{path}?{urlencode(query)}", headers={"Authorization": f"Bearer {self.api_key}"}
        )
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)

    def until(self, what: str, path: str, holds: Any, **query: Any) -> Any:
        """The first reply for which `holds` is true; how long that took is printed."""
        began = time.monotonic()
        while True:
            reply = self.get(path, **query)
            waited = time.monotonic() - began
            if holds(reply):
                print(f"{what}: in the API after {waited * 1000:.0f} ms")
                return reply
            assert waited < 30, f"{what}: not in the API: {reply}"
            time.sleep(0.02)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()
        return code

    def _read_until_ready(self) -> str:
        """Everything up to the last line that `demo` prints."""
        assert self.process.stdout is not None
        handle = self.process.stdout.fileno()
        said, deadline = b"", time.monotonic() + SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            while b"Ctrl-C" not in said:
                left = deadline - time.monotonic()
                chunk = os.read(handle, 65536) if left > 0 and selector.select(left) else b""
                if not chunk:
                    self._errors.seek(0)
                    raise RuntimeError(f"demo did not get ready: {said!r} {self._errors.read().decode()}")
                said += chunk
        return said.decode()


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    assert match, f"{pattern} is not in {text}"
    return match[1]
