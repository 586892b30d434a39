"""A web process for tests: the real one, on a port of its own, that looks names up nowhere and calls nobody.

`python -m tests.web.live DATA_DIR` prints its port and serves until SIGTERM; settings come from the environment.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import widget_server.act.http
from widget_server.run import config, web

_PUBLIC = "93.184.215.14"


class LiveServer:
    """The process, from outside."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        environ = {**os.environ, **{f"ATBALSS_{name.upper()}": value for name, value in settings.items()}}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.web.live", str(data_dir)], env=environ, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


def _refuse(_address: str, _port: int, _seconds: float) -> socket.socket:
    raise ConnectionRefusedError


def main(data_dir: str) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
    widget_server.act.http._look_up = lambda host: [_PUBLIC]
    widget_server.act.http._connect = _refuse
    with web.listen("127.0.0.1", 0) as sock:
        print(sock.getsockname()[1], flush=True)
        # Nobody reads on there; what is logged must not wait for room.
        os.dup2(2, 1)
        web.run(config.load(os.environ, Path(data_dir)), sock)


if __name__ == "__main__":
    main(sys.argv[1])
