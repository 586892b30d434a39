"""`python -m tests.sizes`: three tables. Exit 1, with a sentence, when a peer can't be downloaded."""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser import chromium
from tests.browser.standin import BUILT

from . import evaluation, peers
from .received import Received
from .states import Running, running, states
from .trace import SLOWER


def main() -> int:
    try:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            theirs = peers.fetch(Path(folder))
            _files(theirs)
            browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.arguments())
            with running() as server:
                _received(browser, server)
            _evaluation(browser, theirs)
            browser.close()
    except (peers.NotReached, chromium.NoChromium) as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


def _files(theirs: Sequence[peers.Script]) -> None:
    manifest = json.loads((BUILT / "manifest.json").read_text())
    ours = {"loader": manifest["loader"], **manifest["chunks"]}
    rows = [(*row, "") for row in _weighed({name: BUILT / file for name, file in ours.items()})]
    named = {script.name: script for script in theirs}
    rows += [
        (*row, named[row[0]].what) for row in _weighed({name: script.path for name, script in named.items()})
    ]
    _print("Bytes of the files (gzip -9, brotli 11)", ("", "bytes", "gzip", "brotli", ""), rows)


def _weighed(files: dict[str, Path]) -> list[tuple[str, str, str, str]]:
    weights = peers.weigh(list(files.values()))
    return [(name, *(f"{n:,}" for n in weight)) for name, weight in zip(files, weights, strict=True)]  # type: ignore[misc]


def _received(browser: Browser, server: Running) -> None:
    smaller = states(browser, server, "gzip, br")
    rows = [
        (
            state,
            f"{received.body(server.url):,}",
            f"{smaller[state].body(server.url):,}",
            *_rest(received, server.url),
        )
        for state, received in states(browser, server).items()
    ]
    _print(
        "Bytes that Chromium received from us: the bodies of all replies, `ask` too",
        ("", "gzip", "brotli", "headers", "replies", ""),
        rows,
    )
    print(
        "    Browsers take brotli over https only. Headers, which no budget counts, are those of this server without a proxy in front."
    )


def _rest(received: Received, url: str) -> tuple[str, str, str]:
    replies = received.of(url)
    names = " ".join(f"{_short(r.path)} {r.body:,}" for r in replies if r.body)
    return f"{received.headers(url):,}", str(len(replies)), names


def _short(path: str) -> str:
    return path.rpartition("/")[2].rpartition("-")[0] or path.rpartition("/")[2]


def _evaluation(browser: Browser, theirs: Sequence[peers.Script]) -> None:
    measured = evaluation.measure(browser, {s.name: s.path for s in theirs if s.runs})
    own = measured[evaluation.IDLE].slowed
    rows = [
        (name, f"{e.slowed:.1f}", f"{e.slowed / own:.1f}", f"{e.plain:.1f}", f"{e.background:.1f}")
        for name, e in measured.items()
    ]
    _print(
        f"Evaluating the script on the same page, ms of the processor, median of {evaluation.ROUNDS}",
        ("", f"{SLOWER}x slower", "to the loader", "as it is", "beside the main thread"),
        rows,
    )
    print(
        "    A peer does its work when it is started, which is not in this; compare it with the loader that is not started."
    )


def _print(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    last = len(header) - 1
    print(f"\n{title}")
    for row in (header, *rows):
        cells = [
            c.ljust(w) if i == 0 or (i == last and not header[i]) else c.rjust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        print("    " + "  ".join(cells).rstrip())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
