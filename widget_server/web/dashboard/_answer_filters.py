"""Which answers the inbox shows, as its address says. What can't be understood is left out, and named.

    question, value, low, high, verified, text, lang, product, query, placement, quarantined, case, who, q,
    period or from and to

All are optional; without a period it is all time. A question may be several, with commas between them. The same names
make a saved view.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from flask_babel import gettext

from widget_server.contract.events import MAX_PRODUCT, MAX_QUERY
from widget_server.contract.queries import query_key
from widget_server.contract.questions import question_types
from widget_server.contract.shop import Question, Shop
from widget_server.contract.times import midnight
from widget_server.record.answers import Filter
from widget_server.record.cases import OPEN, STATUSES, Wanted

from ._period import read_period

NAMES = (
    "q", "question", "value", "low", "high", "verified", "text", "lang", "product", "query", "placement", "quarantined",
    "case", "who", "period", "from", "to",
)  # fmt: skip
# Those that stand open above the list; the others wait behind a fold.
AT_HAND = ("q", "question", "value")
_LONGEST = 500
_LONGEST_QUESTIONS = 4000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Chosen:
    """`given` is what was understood, as it stands in an address; `refused` names what was not."""

    filter: Filter
    given: Mapping[str, str]
    refused: tuple[str, ...]

    @property
    def query(self) -> str:
        """What follows the question mark of a link to the same list."""
        return urlencode(self.given)

    @property
    def is_empty(self) -> bool:
        """Whether it is simply all answers that count."""
        return not self.given

    @property
    def folded(self) -> int:
        """How many filters are on that don't stand open."""
        return len(set(self.given) - {*AT_HAND, "quarantined", "to", "from"})


def read(args: Mapping[str, str], shop: Shop, account: str) -> Chosen:
    """The filters in the query of a request."""
    given = {name: _line(args[name], name) for name in NAMES if args.get(name, "").strip()}
    refused = {name for name, value in given.items() if not _is_understood(name, value, shop)}
    if "low" in given and "high" in given and not {"low", "high"} & refused and int(given["low"]) > int(given["high"]):
        refused |= {"low", "high"}
    days = None if {"from", "to", "period"} & refused else _days(given, shop)
    if days is None and {"from", "to", "period"} & set(given):
        refused |= {"from", "to", "period"} & set(given)
    # A period has its days; the form sends others along, if they were filled in once.
    idle = {"from", "to"} if given.get("period", "own") != "own" else set()
    given = {name: value for name, value in given.items() if name not in refused | idle}
    return Chosen(_filter(given, shop, account, days), given, tuple(sorted(refused)))


def end_of(day: str, zone: str) -> int:
    """The last millisecond of a day."""
    return midnight(day, 1, zone) - 1


def names() -> dict[str, str]:
    """What filters are called in a sentence."""
    return {
        "q": gettext("words"), "question": gettext("question"), "value": gettext("answer"), "low": gettext("score from"),
        "high": gettext("score to"), "verified": gettext("verified"), "text": gettext("with words"),
        "lang": gettext("language"), "product": gettext("product"), "query": gettext("search"),
        "placement": gettext("place"), "quarantined": gettext("not counted"), "case": gettext("case"),
        "who": gettext("who sees to it"), "period": gettext("days"), "from": gettext("first day"), "to": gettext("last day"),
    }  # fmt: skip


def questions(given: Mapping[str, str]) -> list[str]:
    """The questions that are asked for."""
    return given["question"].split(",") if "question" in given else []


def _line(value: str, name: str) -> str:
    return _CONTROL.sub(" ", value).strip()[: _LONGEST_QUESTIONS if name == "question" else _LONGEST].rstrip()


def _is_understood(name: str, value: str, shop: Shop) -> bool:
    if name == "question":
        return set(value.split(",")) <= shop.questions.keys()
    if name in ("low", "high"):
        return re.fullmatch(r"\d{1,2}", value, re.ASCII) is not None
    if name in ("verified", "text"):
        return value in ("yes", "no")
    if name == "quarantined":
        return value == "yes"
    if name == "case":
        return value in (*STATUSES, "open", "any", "none")
    if name == "lang":
        return re.fullmatch(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*", value, re.ASCII) is not None
    longest = {"value": 64, "product": MAX_PRODUCT, "query": MAX_QUERY, "placement": 64}
    return len(value) <= longest.get(name, _LONGEST)


def _days(given: Mapping[str, str], shop: Shop) -> tuple[str | None, str | None] | None:
    """First and last day, None where there is no end; None at all for nonsense."""
    if "period" not in given or given["period"] == "own":
        first, last = day_of(given.get("from")), day_of(given.get("to"))
        if (first is None) is ("from" in given) or (last is None) is ("to" in given):
            return None
        return None if first and last and first > last else (first, last)
    period = read_period(given, shop.time_zone)
    return None if period.refused else (period.first, period.last)


def day_of(text: str | None) -> str | None:
    """A day as it is meant to be written, None for anything else."""
    if text is None or not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return text if date(1970, 1, 2) <= found < date(2200, 1, 1) else None


def _filter(
    given: Mapping[str, str], shop: Shop, account: str, days: tuple[str | None, str | None] | None
) -> Filter:
    first, last = days or (None, None)
    value = given.get("value")
    asked = questions(given)
    several = len(asked) == 1 and _takes_several(shop.question(asked[0]))
    lang, searched = given.get("lang"), given.get("query")
    return Filter(
        quarantined="quarantined" in given,
        question=asked[0] if len(asked) == 1 else None,
        questions=tuple(asked) if len(asked) > 1 else None,
        value=None if several else value,
        option=value if several else None,
        verified=_yes(given.get("verified")),
        with_text=_yes(given.get("text")),
        product=given.get("product"),
        language=lang and lang.replace("_", "-").split("-")[0].lower(),
        query_key=searched and query_key(searched),
        start=None if first is None else midnight(first, 0, shop.time_zone),
        end=None if last is None else midnight(last, 1, shop.time_zone),
        buckets=_buckets(given),
        placement=given.get("placement"),
        words=given.get("q"),
        case=_case(given, account),
        no_case=given.get("case") == "none",
    )


def _yes(value: str | None) -> bool | None:
    return None if value is None else value == "yes"


def _buckets(given: Mapping[str, str]) -> tuple[str, ...] | None:
    """The scores of a range; none is above ten."""
    if "low" not in given and "high" not in given:
        return None
    low, high = int(given.get("low", 0)), min(int(given.get("high", 10)), 10)
    return tuple(str(score) for score in range(low, high + 1))


def _case(given: Mapping[str, str], account: str) -> Wanted | None:
    case, who = given.get("case"), given.get("who")
    if case == "none" or (case is None and who is None):
        return None
    assignee = None if who is None else {"me": account, "none": ""}.get(who, who)
    statuses = OPEN if case == "open" else (case,) if case in STATUSES else None
    return Wanted(statuses, assignee)


def _takes_several(question: Question | None) -> bool:
    """Whether answers to a question choose several options."""
    kind = None if question is None else question_types().get(question.type)
    return kind is not None and question is not None and isinstance(kind.bucket([], question.settings), tuple)
