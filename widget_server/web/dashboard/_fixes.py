"""What is most worth fixing now: at most three findings of a period, each certain enough to be told in a sentence.

A finding is a search that shoppers don't find or that shows nothing, a score that clearly fell, a product or a language
that clearly does worse than the rest. "Clearly" always means that intervals part; where there are too few answers there is
no finding. They are ranked by how many shoppers they trouble: the share that went wrong (for a fall, or against the
rest: by how much it is worse), times the shoppers concerned. Searches among themselves stand as in the table of searches:
those that most shoppers said no to come first.

Which searches, products and languages come into question is told by the newest answers of the period, so that it takes
as long after a million answers as after a thousand. The numbers that are shown are then read from the counters, exactly.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from sqlalchemy import Connection

from widget_server.contract.metrics import Metric
from widget_server.contract.scores import ENOUGH, Counts, Score, compare, wilson
from widget_server.contract.shop import Shop
from widget_server.contract.times import midnight
from widget_server.record import answers, counters, orders, searches
from widget_server.record.answers import Said
from widget_server.record.counters import Searched, Searching, Slice

from ._journey import Asked, Journey
from ._period import Period

Kind = Literal["search", "empty", "fell", "product", "language"]

MOST: Final = 3
_LOOKED_AT = 800
_CANDIDATES = 12
_SEARCHES = 30
_ORDERS = 50
# At most so many of one sort where there is something else to tell, so that searches do not hide it.
_OF_A_SORT: Final = 2
_SORTS: Final[Mapping[Kind, str]] = {"empty": "search"}
# Judged by being good or bad; how often an option was chosen is neither.
_UNJUDGED = "top_option"


@dataclass(frozen=True, slots=True)
class Finding:
    """`key` is the query, product or language; `name` what people call it. `score` is its own, `against` the score before
    or that of the rest; `searches` is how often shoppers searched for it, `empty` how often they saw nothing."""

    kind: Kind
    weight: float
    question: str
    metric: str
    score: Score
    against: Score | None = None
    key: str = ""
    name: str = ""
    searches: int = 0
    empty: int = 0

    @property
    def said_no(self) -> int:
        return self.score.distribution.get("no", 0)


def find(conn: Connection, shop: Shop, period: Period, journey: Journey) -> list[Finding]:
    """The findings, the weightiest first."""
    start, end = midnight(period.first, 0, shop.time_zone), midnight(period.last, 1, shop.time_zone)
    said = answers.lately(conn, shop.id, start, end, _LOOKED_AT)
    found = [
        *_fallen(journey.asked),
        *_worst_first(_searches(conn, shop, period, journey, said)),
        *_products(conn, shop, period, journey, said),
        *_languages(conn, shop, period, journey, said),
    ]
    return _weightiest(found)


def _weightiest(found: Iterable[Finding]) -> list[Finding]:
    chosen: list[Finding] = []
    others: list[Finding] = []
    sorts: Counter[str] = Counter()
    for finding in sorted(found, key=_heaviest):
        sort = _SORTS.get(finding.kind, finding.kind)
        sorts[sort] += 1
        (chosen if sorts[sort] <= _OF_A_SORT else others).append(finding)
    return sorted([*chosen, *others][:MOST], key=_heaviest)


def _heaviest(finding: Finding) -> tuple[float, str]:
    return -finding.weight, _SORTS.get(finding.kind, finding.kind)


def _worst_first(found: Sequence[Finding]) -> list[Finding]:
    """Searches by how many shoppers said no to them. The places that searches have among all findings stay theirs."""
    ordered = sorted(found, key=lambda finding: (-finding.said_no, finding.key))
    weights = sorted((finding.weight for finding in found), reverse=True)
    return [replace(finding, weight=weight) for finding, weight in zip(ordered, weights, strict=True)]


def _fallen(asked: Iterable[Asked]) -> list[Finding]:
    found = []
    for one in asked:
        score, before = one.score, one.score_before
        if one.metric is None or score is None or before is None or one.metric.name == _UNJUDGED:
            continue
        if compare(score, before).kind == "down":
            weight = _worse(one.metric, score, before) * max(one.shown, score.n)
            found.append(Finding("fell", weight, one.name, one.metric.name, score, before))
    return found


def _worse(metric: Metric, score: Score, than: Score) -> float:
    """By what part of the scale `score` is worse."""
    low, high = metric.scale
    return ((than.value or 0) - (score.value or 0)) / (high - low)


def _searches(conn: Connection, shop: Shop, period: Period, journey: Journey, said: Sequence[Said]) -> list[Finding]:
    on_results = [one for one in journey.asked if one.question.placement == "search"]
    asking = {one.name: one for one in on_results if one.question.type == "yes_no"}
    if not asking:
        return []
    told = {one.name for one in on_results if one.question.type == "text"}
    times = Counter(
        one.query_key for one in said
        if one.query_key and ((one.question in asking and one.bucket == "no") or one.question in told)
    )  # fmt: skip
    keys = [key for key, _ in times.most_common(_SEARCHES)]
    if not keys:
        return []
    names = tuple(asking)
    counted = counters.of_keys(conn, Slice(shop.id, names, "query", None, period.first, period.last), keys)
    searched = counters.searched_of(conn, Searching(shop.id, names, period.first, period.last), keys)
    spelled = searches.most_frequent(conn, shop.id, keys)
    first = next(iter(asking.values()))
    metric = first.metric
    assert metric is not None
    whole = metric.read(counters.combined(one.counts for one in asking.values()))
    # Where several questions ask it, no single one has all the answers.
    question = first.name if len(asking) == 1 else ""
    found = []
    for key in keys:
        score = metric.read(counted.get(key, Counts({})))
        did = searched.get(key, Searched(key, 0, 0, 0, 0))
        finding = _search(key, spelled.get(key, key), question, metric, score, whole, did)
        if finding is not None:
            found.append(finding)
    return found


def _search(
    key: str, name: str, question: str, metric: Metric, score: Score, whole: Score, did: Searched
) -> Finding | None:
    """What is wrong with one search, if anything certainly is."""
    kind = trouble(score, whole, did)
    if kind is None:
        return None
    lost = 0.0
    if _is_missed(score, whole):
        lost = (1 - (score.value or 0)) * max(did.searches, score.n)
    if kind == "empty":
        lost = max(lost, did.searches * did.zero / (did.zero + did.some))
    return Finding(kind, lost, question, metric.name, score, whole, key, name, did.searches, did.zero)


def trouble(score: Score, whole: Score, did: Searched) -> Literal["search", "empty"] | None:
    """What is certainly wrong with a search: it is not found (most say so, or clearly more than of all searches), or it
    shows nothing. The table of searches marks those, and the overview names the first of them."""
    if did.zero >= ENOUGH and wilson(did.zero, did.zero + did.some)[0] > 0.5:
        return "empty"
    return "search" if _is_missed(score, whole) else None


def _is_missed(score: Score, whole: Score) -> bool:
    return score.enough and score.interval is not None and (score.interval[1] < 0.5 or _parted(score, whole))


def _products(conn: Connection, shop: Shop, period: Period, journey: Journey, said: Sequence[Said]) -> list[Finding]:
    """Read from the question about an order or a product that has the most answers."""
    rating = [one for one in journey.asked if one.question.type in ("stars", "csat") and one.answered >= 2 * ENOUGH]
    if not rating:
        return []
    most = max(rating, key=lambda one: one.answered)
    unhappy = [one for one in said if one.question == most.name and one.bucket in ("1", "2", "3")]
    known = orders.load(conn, shop.id, list(dict.fromkeys(one.order for one in unhappy if one.order))[:_ORDERS])
    names: dict[str, str] = {}
    times: Counter[str] = Counter()
    for one in unhappy:
        order = known.get(one.order or "")
        lines = [] if order is None else [written.value for written in order.lines.values()]
        names |= {line["product"]: line["name"] for line in lines if line.get("name")}
        times.update([one.product] if one.product else {line["product"] for line in lines})
    keys = [key for key, n in times.most_common(_CANDIDATES) if n > 1]
    return _below(conn, shop, period, most, "product", keys, names)


def _languages(conn: Connection, shop: Shop, period: Period, journey: Journey, said: Sequence[Said]) -> list[Finding]:
    """Read from the question with the most answers of all that can be good or bad."""
    judged = [one for one in journey.asked if one.metric is not None and one.metric.name != _UNJUDGED]
    if not judged:
        return []
    most = max(judged, key=lambda one: one.answered)
    times = Counter(one.language for one in said if one.question == most.name and one.language)
    keys = [key for key, _ in times.most_common(_CANDIDATES)]
    return _below(conn, shop, period, most, "language", keys, {}) if len(keys) > 1 else []


def _below(
    conn: Connection, shop: Shop, period: Period, asked: Asked, kind: Literal["product", "language"],
    keys: Sequence[str], names: Mapping[str, str],
) -> list[Finding]:  # fmt: skip
    """Those of `keys` that do clearly worse than everything together."""
    metric, whole = asked.metric, asked.score
    if metric is None or whole is None or not keys:
        return []
    counted = counters.of_keys(conn, Slice(shop.id, (asked.name,), kind, None, period.first, period.last), keys)
    found = []
    for key in keys:
        score = metric.read(counted.get(key, Counts({})))
        if score.enough and _parted(score, whole):
            weight = _worse(metric, score, whole) * score.n
            found.append(Finding(kind, weight, asked.name, metric.name, score, whole, key, names.get(key, key)))
    return found


def _parted(score: Score, whole: Score) -> bool:
    """Whether `score` is clearly below `whole`, of which it is a part."""
    return compare(score, whole).kind == "down"
