"""The truth table: what is known of each search, put together once for the owner API and for the pages.

How often shoppers searched, how often nothing came, how often they clicked, whether they found it by their own words,
what they looked for instead, and what that may have cost (`contract.demand`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from sqlalchemy import Connection

from widget_server.contract.demand import Conversion, Lost, lost
from widget_server.contract.metrics import metrics
from widget_server.contract.order_values import Average, average
from widget_server.contract.scores import ENOUGH, Counts, Score
from widget_server.contract.shop import Shop
from widget_server.contract.times import midnight
from widget_server.record import answers, assumptions, counters
from widget_server.record import searches as spellings
from widget_server.record.counters import Searched, Searching, Slice

TEXTS = 3
SORTS = ("searches", *counters.RANKS, counters.WORST)
# So many queries are looked at for the four corners: the most answered ones.
_MOST_PLACED = 1000
_MOST_OFTEN_SHOWN = "not_found"
Position = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Basis:
    """What lost demand is worked out from. `ever`: the days had too few orders, so that the average is that of all."""

    conversion: Conversion
    average: Average | None
    ever: bool

    def lost(self, said_no: int) -> Lost | None:
        return lost(said_no, self.average, self.conversion)


@dataclass(frozen=True, slots=True)
class Total:
    """What is known of all searches together."""

    searched: Searched
    asked: int
    found: Score
    lost: Lost | None

    @property
    def said_no(self) -> int:
        return self.found.distribution.get("no", 0)

    @property
    def zero_share(self) -> float | None:
        """Of the searches whose number of results is known; None when none is."""
        return zero_share(self.searched)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Total):
    """The same of one search. `texts` are the newest words that were left about it in the days."""

    key: str
    query: str
    texts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """A query with enough answers to say which corner it belongs to."""

    searched: Searched
    yes: int
    no: int


CORNERS: Mapping[str, tuple[bool, bool]] = MappingProxyType(
    {
        "results_no": (True, False),
        "empty_no": (False, False),
        "results_yes": (True, True),
        "empty_yes": (False, True),
    }
)
"""{corner: (most of its searches have results, most shoppers say they found it)}."""


def searching(shop: Shop, first: str | None, last: str | None, containing: str | None = None) -> Searching:
    """The searches of these days, with the yes-or-no questions that stand on search pages."""
    newest = [versions[-1] for versions in shop.questions.values()]
    names = (question.name for question in newest if question.type == "yes_no" and question.placement == "search")
    since = None if first is None else midnight(first, 0, shop.time_zone)
    until = None if last is None else midnight(last, 1, shop.time_zone)
    return Searching(shop.id, tuple(names), first, last, containing, since, until)


def basis(conn: Connection, chosen: Searching) -> Basis:
    """The shop's own average order value in the days, or ever, and the conversion that its owner has set."""
    conversion = assumptions.conversion(conn, chosen.shop)
    found = average(counters.order_sums(conn, chosen.shop, chosen.start, chosen.end))
    ever = chosen.start is None and chosen.end is None
    if not ever and (found is None or not found.enough):
        found, ever = average(counters.order_sums(conn, chosen.shop, None, None)), True
    return Basis(conversion, found, ever)


def total(conn: Connection, chosen: Searching, known: Basis) -> Total:
    """All searches of the days together."""
    everything = replace(chosen, containing=None)
    counts = counters.total(conn, _slice(everything, "total")) if chosen.questions else Counts({})
    found = _found(counts)
    return Total(counters.all_searched(conn, everything), counts.shown, found, known.lost(found.distribution["no"]))


def rows(
    conn: Connection, chosen: Searching, sort: str, after: Position | None, limit: int, known: Basis, texts: int = TEXTS
) -> tuple[list[Row], Position | None]:
    """The next `limit` searches by one of SORTS, most first; and where they end, if there are more."""
    if sort == "searches":
        found = counters.most_searched(conn, chosen, after, limit + 1)
        ranks = [(each.searches, each.key) for each in found]
        searched = {each.key: each for each in found}
    else:
        ranks = counters.ranked(conn, chosen, sort, after, limit + 1)
        searched = counters.searched_of(conn, chosen, [key for _, key in ranks])
    return _of_ranks(conn, chosen, ranks, limit, known, searched, texts)


def _of_ranks(
    conn: Connection, chosen: Searching, ranks: Sequence[Position], limit: int, known: Basis,
    searched: Mapping[str, Searched], texts: int = TEXTS,
) -> tuple[list[Row], Position | None]:  # fmt: skip
    keys = [key for _, key in ranks[:limit]]
    return of_keys(conn, chosen, keys, known, searched, texts), ranks[limit - 1] if len(ranks) > limit else None


def of_keys(
    conn: Connection, chosen: Searching, keys: Sequence[str], known: Basis,
    searched: Mapping[str, Searched] | None = None, texts: int = TEXTS,
) -> list[Row]:  # fmt: skip
    """Exactly these searches, in this order."""
    if not keys:
        return []
    if searched is None:
        searched = counters.searched_of(conn, chosen, keys)
    asked = counters.of_keys(conn, _slice(chosen, "query"), keys) if chosen.questions else {}
    spelled = spellings.most_frequent(conn, chosen.shop, keys)
    said = answers.newest_texts(conn, chosen.shop, keys, texts, chosen.since, chosen.until) if texts else {}
    made = []
    for key in keys:
        counts = asked.get(key, Counts({}))
        found = _found(counts)
        made.append(
            Row(
                searched.get(key, Searched(key, 0, 0, 0, 0)), counts.shown, found, known.lost(found.distribution["no"]),
                key=key, query=spelled.get(key, key), texts=said.get(key, ()),
            )
        )  # fmt: skip
    return made


Corners = dict[str, list[Placed]]


def corners(conn: Connection, chosen: Searching) -> Corners:
    """The queries with enough answers by their corner, those with the most "no" first. Where nobody knows how many
    results a query has it belongs to none."""
    answered = counters.answered(conn, chosen, ENOUGH, _MOST_PLACED)
    return _placed(answered, counters.searched_of(conn, chosen, list(answered)))


def corners_and_rows(
    conn: Connection, chosen: Searching, sort: str, after: Position | None, limit: int, known: Basis
) -> tuple[Corners, list[Row], Position | None]:
    """`corners` and `rows`; what both need is read once."""
    if sort != _MOST_OFTEN_SHOWN:
        return corners(conn, chosen), *rows(conn, chosen, sort, after, limit, known)
    answered, ranks = counters.answered_and_not_found(conn, chosen, ENOUGH, _MOST_PLACED, after, limit + 1)
    searched = counters.searched_of(conn, chosen, list({**answered, **{key: n for n, key in ranks}}))
    return _placed(answered, searched), *_of_ranks(conn, chosen, ranks, limit, known, searched)


def _placed(answered: Mapping[str, tuple[int, int]], searched: Mapping[str, Searched]) -> Corners:
    made: Corners = {name: [] for name in CORNERS}
    for key, (yes, no) in answered.items():
        share = zero_share(searched[key]) if key in searched else None
        if share is not None:
            name = next(name for name, is_here in CORNERS.items() if is_here == (share < 0.5, yes > no))
            made[name].append(Placed(searched[key], yes, no))
    return {name: sorted(placed, key=_rank("not_found")) for name, placed in made.items()}


def rows_of_corner(
    conn: Connection, chosen: Searching, placed: Sequence[Placed], sort: str, after: Position | None, limit: int, known: Basis
) -> tuple[list[Row], Position | None]:
    """The same as `rows` within one corner."""
    key_of = _rank(sort)
    ordered = [each for each in sorted(placed, key=key_of) if after is None or key_of(each) > (-after[0], after[1])]
    page = ordered[:limit]
    made = of_keys(conn, chosen, [each.searched.key for each in page], known, {each.searched.key: each.searched for each in page})
    if len(ordered) <= limit:
        return made, None
    last = key_of(page[-1])
    return made, (-last[0], last[1])


def zero_share(searched: Searched) -> float | None:
    """The share of searches that showed nothing, of those whose number of results is known; None when none is."""
    known = searched.zero + searched.some
    return searched.zero / known if known else None


def _rank(sort: str) -> Callable[[Placed], Position]:
    """What to sort by so that the most come first."""

    def amount(each: Placed) -> int:
        if sort == counters.WORST:
            return each.no * 1_000_000 // (each.yes + each.no)
        by = {
            "searches": each.searched.searches, "zero_results": each.searched.zero, "clicks": each.searched.clicks,
            "asked": each.yes + each.no,
        }  # fmt: skip
        return by.get(sort, each.no)

    return lambda each: (-amount(each), each.searched.key)


def _found(counts: Counts) -> Score:
    return metrics()["success"].read(counts)


def _slice(chosen: Searching, dimension: str) -> Slice:
    return Slice(chosen.shop, chosen.questions, dimension, None, chosen.start, chosen.end)
