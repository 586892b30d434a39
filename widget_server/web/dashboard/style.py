"""The living style page: every component once, drawn by the same macros as everywhere, in the member's own colours. It is
for whoever builds pages, so in English only; its numbers are made up here and belong to nobody."""

from math import sin

from flask import flash, request

from widget_server.contract.scores import bounded_mean, proportion

from ._formats import day
from ._page import Page, View, Visit, draw
from ._period import read_period
from ._texts import lazy_gettext

_ = lazy_gettext
_DAYS = [f"2026-10-{number:02d}" for number in range(1, 15)]
_FOUND = [0.55 + 0.2 * sin(number / 2) for number in range(14)]

_TOASTS = {
    "good": "Something was done.",
    "info": "Something is to be known of what was done.",
    "bad": "Something was not done, and what to do about it.",
}
_LINES = {"found": 0.0, "low": -0.08, "high": 0.07, "before": -0.05}


def show(visit: Visit) -> str:
    """Everything there is."""
    for tone, text in _TOASTS.items():
        flash(text, tone)
    period = read_period(request.args, visit.shop.time_zone)
    days = [day(each, "d MMM") for each in _DAYS]
    lines = {name: [share + more for share in _FOUND] for name, more in _LINES.items()}
    return draw("style.html", period=period, scores=_scores(), days=days, **lines)


def _scores() -> list[tuple[object, ...]]:
    """A name, the score, its metric, and the score before."""
    return [
        ("Found it", _share(583, 1000), "success", _share(490, 900)),
        ("Stars", bounded_mean({"1": 2, "3": 3, "4": 9, "5": 46}, 1, 5), "stars", None),
        ("Worse than before", _share(300, 500), "csat", _share(350, 500)),
        ("Hardly moved", _share(31, 50), "success", _share(30, 50)),
        ("Too few", _share(3, 4), "success", None),
        ("None yet", _share(0, 0), "success", None),
    ]


def _share(hits: int, n: int) -> object:
    return proportion(hits, {"yes": hits, "no": n - hits})


PAGE = Page("/style", _("Style"), 99, "style", in_menu=False, views=(View("", show),))
