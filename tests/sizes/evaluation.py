"""How long a page's main thread is held up by reading and running a script, ours and those of the peers.

The same page each time, with one script in it and nothing else, in a profile of its own; the scripts take turns, so
that a slow moment of the machine hits all. A peer does its work later, when it is configured and started; our loader
starts by itself, so it is measured twice: at work, and in a tag that names no shop, which only evaluates it.
"""

import statistics
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.standin import BUILT, SITE_KEY, Reply, Shop

from .trace import SLOWER, recording

ROUNDS = 7


@dataclass(frozen=True)
class Evaluation:
    """Medians, in ms of the processor: slowed down, as it is, and beside the main thread."""

    slowed: float
    plain: float
    background: float


AT_WORK, IDLE = "loader, at work", "loader, not started"


def measure(browser: Browser, peers: dict[str, Path]) -> dict[str, Evaluation]:
    """For our loader and each peer by its name."""
    loader = BUILT / "widget.js"
    scripts = {AT_WORK: loader, IDLE: loader, **peers}
    shop = Shop()
    try:
        for name, path in scripts.items():
            shop.pages[_at(name)] = Reply(
                200, path.read_bytes(), {"Content-Type": "text/javascript; charset=utf-8"}
            )
            shop.pages[f"{_at(name)}.html"] = Reply(200, _page(_at(name), name == AT_WORK))
        taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in scripts}
        for _ in range(ROUNDS):
            for name in scripts:
                slowed, background = _once(browser, shop.url, _at(name), SLOWER)
                plain, _ = _once(browser, shop.url, _at(name), 1)
                taken[name].append((slowed, plain, background))
        return {
            name: Evaluation(*(statistics.median(c) for c in zip(*rows, strict=True)))
            for name, rows in taken.items()
        }
    finally:
        shop.stop()


def _at(name: str) -> str:
    return "/" + "".join(c if c.isalnum() else "-" for c in name) + ".js"


def _page(script: str, is_ours: bool) -> str:
    shop = f' data-shop="{SITE_KEY}"' if is_ours else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>'
        f'<script async src="{script}"{shop}></script></head><body><h1>Shop</h1></body></html>'
    )


def _once(browser: Browser, url: str, script: str, slower: int) -> tuple[float, float]:
    context = browser.new_context()
    page = context.new_page()
    address = f"{url}{script}.html"
    with recording(browser, page, address, slower) as trace:
        page.goto(address)  # until `load`, which waits for the script
    context.close()
    evaluation = trace.evaluation(url + script)
    assert evaluation > 0, f"{script} did not run"
    return evaluation, trace.background(url + script)
