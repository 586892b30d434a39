"""The overview: the three things most worth fixing, who of the buyers was unhappy, the customer's journey in numbers, and
how each question went."""

import time
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from sqlalchemy import Connection

from widget_server.contract.scores import ENOUGH, Counts, Score
from widget_server.record import cases, counters
from widget_server.web import truth

from . import _fixes, _journey, _unhappy
from ._answer_words import STATUS_NAMES, STATUS_TONES, low_bounds
from ._fixes import Finding
from ._formats import day, metric_change, metric_value, money, number
from ._journey import Asked, Journey
from ._names import language_name, text_of, title_of
from ._page import Page, View, Visit, draw
from ._period import Period, read_period
from ._texts import lazy_gettext as _
from ._touchpoints import label, nothing_asked, stage_about, stage_label
from .searches import is_large


def show(visit: Visit) -> ResponseReturnValue:
    period = read_period(request.args, visit.shop.time_zone)
    now = time.time_ns() // 1_000_000
    with visit.reading() as conn:
        still_open = cases.open_by_question(conn, visit.shop.id)
        journey = _journey.read(conn, visit.shop, period, still_open)
        findings = _fixes.find(conn, visit.shop, period, journey)
        worth = _worth(conn, visit, period, findings)
        unhappy = _unhappy.find(conn, visit.shop, period, journey)
        overdue = cases.overdue(conn, visit.shop.id, now)
    answered = sum(asked.answered for asked in journey.asked)
    charted = _charted(journey, request.args.get("chart", ""))
    return draw(
        "overview.html", period=period, journey=journey, answered=answered, overdue=overdue, doors=Doors(period),
        fixes=[replace(_fix(finding, visit, period), lost=_lost(finding, worth)) for finding in findings], charted=charted,
        charts=None if charted is None else _charts(charted, journey, period),
        label=label, stage_label=stage_label, stage_about=stage_about, nothing_asked=nothing_asked, title_of=title_of,
        meaning=meaning, unhappy=unhappy, open=sum(still_open.values()), statuses=STATUS_NAMES,
        tones=STATUS_TONES, here=f"/app/overview?{urlencode(period.query)}",
    )  # fmt: skip


@dataclass(frozen=True)
class Doors:
    """Where the numbers of a page lead: to the answers behind them, of the same days."""

    period: Period

    def answers(self, **filters: str) -> str:
        """The inbox with these filters; empty ones are none."""
        return "/app/answers?" + urlencode({**{k: v for k, v in filters.items() if v}, **self.days})

    @property
    def days(self) -> dict[str, Any]:
        """The period as other pages take it."""
        return {name: value for name, value in self.period.query.items() if name != "compare"}


def meaning(asked: Asked) -> str:
    """What a question's score stands for, in a few words beside it."""
    score = asked.score
    if asked.metric is None or score is None:
        return ""
    if asked.metric.name == "top_option":
        most = max(score.distribution, key=lambda option: (score.distribution[option], option), default="")
        return str(gettext("chose “%(option)s”", option=text_of(asked.question, f"option.{most}", most))) if most else ""
    meanings: dict[str, str] = {
        "success": gettext("said yes"),
        "stars": gettext("of 5 stars"),
        "csat": gettext("gave 4 or 5 of 5"),
        "ces": gettext("of 7, where 7 is very easy"),
        "nps": gettext("from −100 to +100"),
    }
    return meanings.get(asked.metric.name, "")


@dataclass(frozen=True)
class Fix:
    """A finding in words. `href` leads to the answers behind it, `next` to where something can be done about it; `lost` is
    what it may have cost, in money: `value`, `low`, `high`."""

    title: str
    text: str
    href: str
    action: str
    next: str
    next_action: str
    lost: Mapping[str, str] | None = None


def _fix(finding: Finding, visit: Visit, period: Period) -> Fix:
    doors = Doors(period)
    question = visit.shop.question(finding.question)
    asked = "" if question is None else title_of(question)
    if finding.kind in ("search", "empty"):
        return _search_fix(finding, doors)
    score, than = finding.score, finding.against or finding.score
    value, against = metric_value(score.value, finding.metric), metric_value(than.value, finding.metric)
    n = score.n
    if finding.kind == "fell":
        by = metric_change((than.value or 0) - (score.value or 0), finding.metric)
        return Fix(
            gettext("“%(question)s” has clearly fallen", question=asked),
            ngettext(
                "From %(before)s to %(now)s (%(change)s less), with %(n)s answer.",
                "From %(before)s to %(now)s (%(change)s less), with %(n)s answers.",
                n, before=against, now=value, change=by, n=number(n),
            ),
            doors.answers(question=finding.question, **_low(finding.metric)), gettext("Read what they said"),
            f"?{urlencode({**period.query, 'compare': '1', 'chart': finding.question})}#trend", gettext("See when it began"),
        )  # fmt: skip
    if finding.kind == "product":
        return Fix(
            gettext("“%(product)s” disappoints", product=finding.name),
            ngettext(
                "%(value)s from %(n)s answer, while all together give %(against)s.",
                "%(value)s from %(n)s answers, while all together give %(against)s.",
                n, value=value, n=number(n), against=against,
            ),
            doors.answers(question=finding.question, product=finding.key), gettext("Read what they said"),
            doors.answers(question=finding.question, product=finding.key, text="yes"), gettext("Only those with words"),
        )  # fmt: skip
    return Fix(
        gettext("Shoppers who read %(language)s are less content", language=language_name(finding.key)),
        ngettext(
            "“%(question)s”: %(value)s from %(n)s of them, %(against)s from all.",
            "“%(question)s”: %(value)s from %(n)s of them, %(against)s from all.",
            n, question=asked, value=value, n=number(n), against=against,
        ),
        doors.answers(question=finding.question, lang=finding.key), gettext("Read what they said"),
        url_for("questions.one", name=finding.question, lang=finding.key), gettext("See the question as they do"),
    )  # fmt: skip


def _worth(conn: Connection, visit: Visit, period: Period, findings: Sequence[Finding]) -> truth.Basis | None:
    """What lost demand is worked out from, as on the page of searches; None without a search among the findings."""
    if not any(finding.kind in ("search", "empty") for finding in findings):
        return None
    return truth.basis(conn, truth.searching(visit.shop, period.first, period.last))


def _lost(finding: Finding, worth: truth.Basis | None) -> dict[str, str] | None:
    lost = None
    if worth is not None and finding.kind in ("search", "empty") and finding.said_no:
        lost = worth.lost(finding.said_no)
    if lost is None:
        return None
    value, low, high = (money(each, lost.currency or None, is_large(lost)) for each in (lost.value, *lost.interval))
    return {"value": value, "low": low, "high": high}


def _search_fix(finding: Finding, doors: Doors) -> Fix:
    score = finding.score
    if finding.kind == "empty":
        title = gettext("The search for “%(query)s” shows nothing", query=finding.name)
        text = ngettext(
            "%(empty)s of %(n)s search for it showed nothing.", "%(empty)s of %(n)s searches for it showed nothing.",
            finding.searches, empty=number(finding.empty), n=number(finding.searches),
        )  # fmt: skip
        if finding.said_no:
            said = ngettext("%(n)s shopper said no.", "%(n)s shoppers said no.", finding.said_no, n=number(finding.said_no))
            text = f"{text} {said}"
    else:
        title = gettext("Shoppers don't find “%(query)s”", query=finding.name)
        no = score.n - score.distribution.get("yes", 0)
        said = ngettext("%(no)s of %(n)s answer is no.", "%(no)s of %(n)s answers are no.", score.n, no=number(no), n=number(score.n))
        times = ngettext("It was searched for %(n)s time.", "It was searched for %(n)s times.", finding.searches, n=number(finding.searches))
        text = f"{said} {times}"
    return Fix(
        title, text,
        doors.answers(question=finding.question, query=finding.key, value="no" if finding.kind == "search" else ""),
        gettext("Read what they looked for"),
        url_for("searches.one", q=finding.key, **doors.days), gettext("See the search"),
    )  # fmt: skip


def _low(metric: str) -> dict[str, str]:
    """The answers that pull a score down, as the inbox filters them."""
    found = low_bounds(metric)
    return {"value": "no"} if found is None else {"low": str(found[0]), "high": str(found[1])}


# --- the charts -------------------------------------------------------------------------------------------------------


Dated = tuple[tuple[str, str], Counts]


def _charted(journey: Journey, wanted: str) -> Asked | None:
    """The question whose charts are shown: the wanted one, else the one with the most answers."""
    known = {asked.name: asked for asked in journey.asked if asked.shown}
    return known.get(wanted) or max(known.values(), key=lambda asked: asked.answered, default=None)


def _charts(asked: Asked, journey: Journey, period: Period) -> dict[str, Any]:
    """What the two charts show. Where days are too thin to say anything they are put together to weeks."""
    by, steps, before = _thick_enough(asked, journey, period)
    labels = [_step_label(by, first, last) for (first, last), _ in steps]
    reached = [
        {"name": gettext("Asked"), "values": [counts.shown for _, counts in steps]},
        {"name": gettext("Answered"), "values": [sum(counts.answers.values()) for _, counts in steps]},
    ]
    if asked.metric is None:
        return {"labels": labels, "reached": reached, "score": None, "left_out": False, "cut": _cut(by, steps)}
    scores = [asked.metric.read(counts) for _, counts in steps]
    score = [_line(gettext("These days"), scores)]
    if before:
        earlier = [asked.metric.read(counts) for counts in before]
        score.append(_line(gettext("The time before"), earlier, dashed=True))
    left_out = any(one.n and not one.enough for one in scores)
    return {"labels": labels, "reached": reached, "score": score, "left_out": left_out, "cut": _cut(by, steps)}


def _cut(by: str, steps: Sequence[Dated]) -> str:
    """Says where the first or the last week or month is not whole, as it looks low beside the others."""
    if by == "day" or len(steps) < 2:
        return ""
    first, last = (_length(days) for days in (steps[0][0], steps[-1][0]))
    said = []
    if first < _whole(by, steps[0][0][0]):
        said.append(ngettext("The first bar is only %(n)s day long.", "The first bar is only %(n)s days long.", first, n=number(first)))
    if last < _whole(by, steps[-1][0][0]):
        said.append(ngettext("The last bar is only %(n)s day long.", "The last bar is only %(n)s days long.", last, n=number(last)))
    return " ".join(said)


def _length(days: tuple[str, str]) -> int:
    return (date.fromisoformat(days[1]) - date.fromisoformat(days[0])).days + 1


def _whole(by: str, day: str) -> int:
    return 7 if by == "week" else monthrange(int(day[:4]), int(day[5:7]))[1]


def _line(name: str, scores: list[Score], dashed: bool = False) -> dict[str, Any]:
    def only_enough(part: int | None) -> list[float | None]:
        return [
            (score.value if part is None or score.interval is None else score.interval[part]) if score.enough else None
            for score in scores
        ]  # fmt: skip

    found: dict[str, Any] = {"name": name, "values": only_enough(None)}
    return {**found, "dashed": True} if dashed else {**found, "low": only_enough(0), "high": only_enough(1)}


def _thick_enough(asked: Asked, journey: Journey, period: Period) -> tuple[str, list[Dated], list[Counts]]:
    """The steps of the charts, and those before: days, unless most days have too few answers and weeks have not."""
    steps: list[Dated] = [(step.days, counts) for step, counts in zip(journey.steps, asked.steps, strict=True)]
    before = list(asked.steps_before)
    by = period.by
    if by == "day" and len(steps) > 10 and asked.answered < ENOUGH * len(steps):
        weeks: dict[tuple[int, int], list[int]] = {}
        for place, ((first, _), _) in enumerate(steps):
            weeks.setdefault(date.fromisoformat(first).isocalendar()[:2], []).append(place)
        by = "week"
        before = [counters.combined(before[place] for place in places if place < len(before)) for places in weeks.values()] if before else []
        steps = [
            ((steps[places[0]][0][0], steps[places[-1]][0][1]), counters.combined(steps[place][1] for place in places))
            for places in weeks.values()
        ]
    return by, steps, before


def _step_label(by: str, first: str, last: str) -> str:
    if by == "month":
        return day(first, "LLL y")
    if by == "week" and first != last:
        return str(gettext("%(first)s to %(last)s", first=day(first, "d MMM"), last=day(last, "d MMM")))
    return day(first, "d MMM")


PAGE = Page("/overview", _("Overview"), 10, "overview", views=(View("", show),))
