"""What the main thread of a page did, from Chromium's own trace.

Times are those of the processor (the trace's thread time), not of the clock: how busy the machine is doesn't show in
them. With the processor slowed down for the page, its thread time grows as well. In ms.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page

SLOWER = 4
_CATEGORIES = [
    "-*",
    "devtools.timeline",
    "disabled-by-default-devtools.timeline",
    "v8",
    "disabled-by-default-v8.compile",
]
# Of these the outermost count; what runs inside of one belongs to it.
_SCRIPT = (
    "EvaluateScript",
    "v8.compile",
    "v8.compileModule",
    "v8.evaluateModule",
    "FunctionCall",
    "TimerFire",
)
_EVALUATION = ("EvaluateScript", "v8.compile", "v8.compileModule", "v8.evaluateModule")


@dataclass
class Slice:
    """Something that the main thread did, and what it did inside of it."""

    name: str
    url: str
    began: float
    ended: float
    cpu: float
    inside: list["Slice"] = field(default_factory=list)

    def outermost(self, wanted: Callable[["Slice"], bool]) -> Iterator["Slice"]:
        """Itself when it is wanted, else what is wanted of what is inside."""
        if wanted(self):
            yield self
        else:
            for part in self.inside:
                yield from part.outermost(wanted)


class Trace:
    """Of the page at `url`. Filled when the recording ends."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tasks: list[Slice] = []
        self._background: dict[str, float] = {}
        self._requests: list[tuple[str, float]] = []

    def read(self, events: list[dict[str, Any]]) -> None:
        """Take the events of a recorded trace."""
        commits = [e for e in events if e["name"] == "CommitLoad" and _url(e) == self.url]
        assert commits, f"{self.url} was not loaded while recording"
        process, thread = commits[-1]["pid"], commits[-1]["tid"]
        began = commits[-1]["ts"]
        main = [
            e
            for e in events
            if e["ph"] == "X" and (e["pid"], e["tid"]) == (process, thread) and e["ts"] >= began
        ]
        self.tasks = _nest(main)
        self._requests = [
            (_url(e), e["ts"] / 1000)
            for e in events
            if e["name"] == "ResourceSendRequest" and e["pid"] == process
        ]
        for event in events:
            if event["name"] == "v8.parseOnBackground" and event["pid"] == process:
                url = _url(event)
                self._background[url] = self._background.get(url, 0) + event.get("tdur", 0) / 1000

    def evaluation(self, url: str) -> float:
        """Compiling and evaluating the scripts whose addresses begin with `url`, on the main thread."""
        return self._sum(lambda s: s.name in _EVALUATION and s.url.startswith(url))

    def script(self, url: str) -> float:
        """All that these scripts did."""
        return self._sum(lambda s: _is_script(s, url))

    def background(self, url: str) -> float:
        """Reading them on a thread beside it; that one isn't slowed down."""
        return sum(ms for of, ms in self._background.items() if of.startswith(url))

    def longest(self, url: str) -> float:
        """The most that these scripts did in one task."""
        return max(
            (sum(s.cpu for s in task.outermost(lambda s: _is_script(s, url))) for task in self.tasks),
            default=0,
        )

    def asked_for(self, url: str) -> float:
        """When the page first asked for an address that begins with `url`, on the clock of `Slice.began`."""
        return min(at for asked, at in self._requests if asked.startswith(url))

    def _sum(self, wanted: Callable[[Slice], bool]) -> float:
        return sum(s.cpu for task in self.tasks for s in task.outermost(wanted))


@contextmanager
def recording(browser: Browser, page: Page, url: str, slower: int = SLOWER) -> Iterator[Trace]:
    """Record what the page at `url`, opened inside, does on a processor that is `slower` times slower."""
    trace = Trace(url)
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    browser.start_tracing(page=page, categories=_CATEGORIES)
    try:
        yield trace
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
    trace.read(events)


def _is_script(part: Slice, url: str) -> bool:
    return part.name in _SCRIPT and part.url.startswith(url)


def _nest(events: list[dict[str, Any]]) -> list[Slice]:
    tops: list[Slice] = []
    open_: list[Slice] = []
    for event in sorted(events, key=lambda e: (e["ts"], -e["dur"])):
        began = event["ts"] / 1000
        ended = began + event["dur"] / 1000
        made = Slice(event["name"], _url(event), began, ended, event.get("tdur", event["dur"]) / 1000)
        while open_ and open_[-1].ended <= began:
            open_.pop()
        (open_[-1].inside if open_ else tops).append(made)
        open_.append(made)
    return tops


def _url(event: dict[str, Any]) -> str:
    arguments = event.get("args", {})
    data = arguments.get("data")
    found = (data if isinstance(data, dict) else {}).get("url") or arguments.get("fileName") or ""
    return str(found)
