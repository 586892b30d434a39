"""The customer's journey in numbers: each touchpoint's questions with what became of them in a period, and before it.

Two statements read all of it, however many questions, touchpoints and days there are: one the counters, one the
touchpoints. Scores are what the metrics make of the counters, as in the owner API.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from widget_server.contract.journey import STAGES, Touchpoint, arranged, named
from widget_server.contract.metrics import Metric, headline
from widget_server.contract.scores import Counts, Score
from widget_server.contract.shop import Question, Shop
from widget_server.record import counters, touchpoints
from widget_server.record.counters import Days

from ._period import Period

_NOTHING = Counts({})


@dataclass(frozen=True, slots=True)
class Step:
    """A day, week or month of a chart: its name as in the owner API, its days within the period, and as many days
    before, where the time before has them."""

    key: str
    days: Days
    before: Days | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what it counts. `metric` is what it is judged by: None for texts; `cases` are those still open."""

    question: Question
    metric: Metric | None
    counts: Counts
    before: Counts
    steps: tuple[Counts, ...]
    steps_before: tuple[Counts, ...]
    cases: int = 0

    @property
    def name(self) -> str:
        return self.question.name

    @property
    def shown(self) -> int:
        return self.counts.shown

    @property
    def answered(self) -> int:
        return sum(self.counts.answers.values())

    @property
    def score(self) -> Score | None:
        return None if self.metric is None else self.metric.read(self.counts)

    @property
    def score_before(self) -> Score | None:
        return None if self.metric is None else self.metric.read(self.before)


@dataclass(frozen=True, slots=True)
class Stop:
    """A touchpoint and its questions; `touchpoint.title` may be empty."""

    touchpoint: Touchpoint
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the journey with its touchpoints in order."""

    name: str
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Journey:
    """Everything, from stage to stage; `steps` are those of the charts."""

    stages: tuple[Stage, ...]
    steps: tuple[Step, ...]

    @property
    def asked(self) -> tuple[Asked, ...]:
        """All questions in the order of the journey."""
        return tuple(asked for stage in self.stages for stop in stage.stops for asked in stop.asked)


def read(conn: Connection, shop: Shop, period: Period, cases: Mapping[str, int]) -> Journey:
    """The journey of a shop in a period. `cases` says how many are open for each question."""
    steps = steps_of(period)
    before = _stretches_before(period, steps)
    newest = [versions[-1] for versions in shop.questions.values()]
    found = counters.by_question(
        conn, shop.id, [question.name for question in newest], [*(step.days for step in steps), *before]
    )
    now, earlier = found[: len(steps)], found[len(steps) :]
    asked = [_asked(question, steps, now, earlier, period.compare, cases) for question in newest]
    listed = [one for one in asked if not one.question.deleted or one.shown]
    return Journey(_stages(touchpoints.of_shop(conn, shop), listed), steps)


def steps_of(period: Period) -> tuple[Step, ...]:
    """The days, weeks (Monday to Sunday) or months of a period; the first and the last are cut by it."""
    first, last, before = (date.fromisoformat(day) for day in (period.first, period.last, period.before.first))
    found: list[Step] = []
    while first <= last:
        end = min(_end(first, period.by), last)
        found.append(Step(_key(first, period.by), (f"{first}", f"{end}"), None))
        first = end + timedelta(days=1)
    shift = date.fromisoformat(period.first) - before
    return tuple(_with_before(step, shift, period.before.last) for step in found)


def _with_before(step: Step, shift: timedelta, last: str) -> Step:
    start, end = (f"{date.fromisoformat(day) - shift}" for day in step.days)
    return Step(step.key, step.days, (start, min(end, last)) if start <= last else None)


def _end(day: date, by: str) -> date:
    if by == "day":
        return day
    if by == "week":
        return day + timedelta(days=6 - day.weekday())
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _key(day: date, by: str) -> str:
    """As GET /v1/scores names the row."""
    if by == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{day}" if by == "day" else f"{day:%Y-%m}"


def _stretches_before(period: Period, steps: Sequence[Step]) -> list[Days]:
    """The whole time before, in one piece unless a chart shows its steps too."""
    whole = period.before
    if not period.compare:
        return [(whole.first, whole.last)]
    found = [step.before for step in steps if step.before is not None]
    after = f"{date.fromisoformat(found[-1][1]) + timedelta(days=1)}" if found else whole.first
    # A longer month before has days that the chart of this one has no place for.
    return [*found, (after, whole.last)] if after <= whole.last else found


def _asked(
    question: Question, steps: Sequence[Step], now: Sequence[Mapping[str, Counts]],
    earlier: Sequence[Mapping[str, Counts]], compare: bool, cases: Mapping[str, int],
) -> Asked:  # fmt: skip
    mine = tuple(counts.get(question.name, _NOTHING) for counts in now)
    before = tuple(counts.get(question.name, _NOTHING) for counts in earlier)
    shown = len([step for step in steps if step.before is not None])
    return Asked(
        question, headline(question.type), counters.combined(mine), counters.combined(before), mine,
        before[:shown] if compare else (), cases.get(question.name, 0),
    )  # fmt: skip


def _stages(known: Sequence[Touchpoint], asked: Sequence[Asked]) -> tuple[Stage, ...]:
    by_touchpoint: dict[str, list[Asked]] = {}
    for one in asked:
        by_touchpoint.setdefault(named(one.question), []).append(one)
    stops = [(touchpoint.stage, Stop(touchpoint, tuple(by_touchpoint.pop(touchpoint.name, ())))) for touchpoint in known]
    # Of a deleted question nobody arranged the touchpoint.
    left = arranged(known, [one.question for rest in by_touchpoint.values() for one in rest])
    stops += [
        (touchpoint.stage, Stop(touchpoint, tuple(by_touchpoint[touchpoint.name])))
        for touchpoint in left if touchpoint.name in by_touchpoint
    ]  # fmt: skip
    return tuple(Stage(name, tuple(stop for stage, stop in stops if stage == name)) for name in STAGES)
