"""Numbers, money, days and scores as people write them, and the days that an address asks for."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from babel import Locale
from babel.numbers import format_currency, format_decimal, format_percent
from flask import Flask
from flask_babel import Babel, force_locale
from hypothesis import given
from hypothesis import strategies as st

from widget_server.contract.metrics import metrics
from widget_server.web.dashboard import _formats
from widget_server.web.dashboard._formats import FILTERS, NOTHING
from widget_server.web.dashboard._journey import steps_of
from widget_server.web.dashboard._period import LASTS, Period, read_period

NOW = 1_763_800_000_000  # 2025-11-22T08:26:40Z
LANGUAGES = ("en", "lv", "lt", "et", "ru")

In = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def language() -> In:
    """Within it, texts and numbers are in a language and times in Riga's."""
    app = Flask(__name__)
    Babel(app, default_timezone="Europe/Riga")

    @contextmanager
    def within(name: str) -> Iterator[None]:
        with app.test_request_context(), force_locale(name):
            yield

    return within


def plain(text: str) -> str:
    """Spaces that don't break, as plain ones."""
    return text.replace("\xa0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("en", ["1,234", "58%", "€12.50", "€1,235", "+32", "4.3"]),
        ("lv", ["1 234", "58%", "12,50 €", "1 235 €", "+32", "4,3"]),
        ("ru", ["1 234", "58 %", "12,50 €", "1 235 €", "+32", "4,3"]),
    ],
)
def test_each_language_writes_numbers_its_own_way(language: In, name: str, said: list[str]) -> None:
    with language(name):
        got = [
            _formats.number(1234), _formats.metric_value(0.583, "success"), _formats.money(1250, "EUR"),
            _formats.money(123456, "EUR", whole=True), _formats.metric_value(31.6, "nps"), _formats.metric_value(4.31, "stars"),
        ]  # fmt: skip
    assert [plain(text) for text in got] == said


def test_nearly_nothing_is_not_nothing_and_nearly_all_is_not_all(language: In) -> None:
    with language("en"):
        assert _formats.percent(0) == "0%"
        assert _formats.percent(1) == "100%"
        assert _formats.percent(0.001) == "under 1%"
        assert _formats.percent(0.999) == "over 99%"
        assert _formats.percent(0.0123, 1) == "1.2%"
        assert [_formats.percent(share) for share in (0.0049, 1 / 200, 0.995, 0.9949)] == ["under 1%", "1%", "over 99%", "99%"]
        assert [_formats.percent(share, 1) for share in (1e-9, 0.0004, 0.0005)] == ["under 0.1%", "under 0.1%", "0.1%"]
        assert [_formats.percent(share, 1) for share in (0.9994, 0.9995, 1 - 1e-9)] == ["99.9%", "over 99.9%", "over 99.9%"]


@given(st.floats(0, 1, exclude_min=True, exclude_max=True), st.integers(0, 2))
def test_no_share_between_is_nothing_or_all(share: float, digits: int) -> None:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context(), force_locale("en"):
        assert _formats.percent(share, digits) not in ("0%", "100%")


# What a browser makes of them: new Intl.NumberFormat("en", {style: "percent"}) and the like, as the charts have it.
HALVES: list[tuple[Callable[..., str], float, str]] = [
    *((_formats.percent, share, said) for share, said in (
        (0.125, "13%"), (0.625, "63%"), (0.025, "3%"), (0.005, "1%"), (0.015, "2%"), (0.575, "58%"), (0.285, "29%"), (0.145, "15%"),
    )),
    *((_formats.signed, value, said) for value, said in ((32.5, "+33"), (-32.5, "-33"), (0.5, "+1"), (-0.5, "-1"), (-0.4, "0"))),
    *((lambda value: _formats.metric_value(value, "nps"), value, said) for value, said in ((32.5, "+33"), (-0.5, "-1"), (99.5, "+100"))),
    *((lambda value: _formats.metric_value(value, "success"), value, said) for value, said in ((0.125, "13%"), (0.625, "63%"))),
    *((lambda value: _formats.metric_value(value, "stars"), value, said) for value, said in ((4.25, "4.3"), (4.05, "4.1"), (4.45, "4.5"))),
    *((lambda value: _formats.number(value, 1), value, said) for value, said in ((4.25, "4.3"), (0.05, "0.1"), (-0.04, "0"), (3, "3"))),
    *((_formats.number, value, said) for value, said in ((0.5, "1"), (2.5, "3"), (1234.5, "1,235"))),
]  # fmt: skip


@pytest.mark.parametrize(("write", "value", "said"), HALVES)
def test_a_half_is_rounded_as_in_the_chart_beside_it(language: In, write: Callable[..., str], value: float, said: str) -> None:
    with language("en"):
        assert write(value).replace("\N{MINUS SIGN}", "-") == said


def test_what_was_written_once_is_not_given_to_another(language: In) -> None:
    for name in (*LANGUAGES, *LANGUAGES):
        with language(name):
            assert _formats.number(1234.5, 1) == format_decimal(1234.5, "#,##0.#", locale=name)
            assert _formats.number(-0.0) == _formats.number(0) == "0"
            assert _formats.money(150, "EUR") == format_currency(1.5, "EUR", locale=name)
            assert _formats.money(150, "USD") == format_currency(1.5, "USD", locale=name)
            assert _formats.money(150, "EUR", whole=True) == _formats.money(200, "EUR", whole=True)
            assert [_formats.percent(share, 1) for share in (0.1234, 0.1235, 0.5)] == [
                format_percent(share, format_of_percent(name), locale=name) for share in (0.1234, 0.1235, 0.5)
            ]


def format_of_percent(name: str) -> str:
    return str(Locale.parse(name).percent_formats[None].pattern.replace("#,##0", "#,##0.#"))


@pytest.mark.parametrize("name", LANGUAGES)
def test_what_is_not_known_is_a_dash(language: In, name: str) -> None:
    with language(name):
        for filter in ("number", "percent", "signed", "day", "moment", "ago"):
            assert FILTERS[filter](None) == NOTHING
        assert _formats.money(None, "EUR") == NOTHING
        for metric in metrics():
            assert _formats.metric_value(None, metric) == NOTHING
            assert _formats.metric_change(None, metric) == NOTHING


def test_signs_and_changes(language: In) -> None:
    with language("en"):
        assert [_formats.signed(value) for value in (3, -3, 0, 0.2)] == ["+3", "\N{MINUS SIGN}3", "0", "0"]
        assert _formats.metric_change(-0.01, "success") == "1 point"
        assert _formats.metric_change(0.042, "success") == "4 points"
        assert _formats.metric_change(0.125, "success") == "13 points"
        assert _formats.metric_change(-32.5, "nps") == "33 points"
        assert _formats.metric_change(0.25, "stars") == "0.3"


def test_days_and_moments_are_those_of_the_shop(language: In) -> None:
    midnight = 1_763_762_400_000  # 2025-11-22 00:00 in Riga, the day before in UTC
    with language("en"):
        assert _formats.day(midnight) == "22 Nov 2025"
        assert _formats.day(midnight - 1) == "21 Nov 2025"
        assert _formats.day("2025-11-22", "d MMM") == "22 Nov"
        assert _formats.moment(midnight) == "22 Nov 2025, 00:00"
        assert _formats.month("2026-03") == "March 2026"
        assert _formats.ago(NOW - 12_000, NOW) == "12 seconds ago"
        assert _formats.ago(NOW + 3 * 86_400_000, NOW) == "in 3 days"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("en", ["22 Nov", "22 Nov 2025, 00:00", "22 Nov, 00:00", "November 2025"]),
        ("lv", ["22. nov.", "2025. g. 22. nov., 00:00", "22. nov., 00:00", "2025. gada novembris"]),
        ("lt", ["11-22", "2025-11-22 00:00", "11-22 00:00", "2025 m. lapkritis"]),
        ("et", ["22. nov", "22. nov 2025, 00:00", "22. nov, 00:00", "november 2025"]),
        ("ru", ["22 нояб.", "22 нояб. 2025, 00:00", "22 нояб., 00:00", "ноябрь 2025"]),
    ],
)
def test_a_day_is_written_as_its_language_does(language: In, name: str, said: list[str]) -> None:
    moment = 1_763_762_400_000
    with language(name):
        found = [_formats.day("2025-11-22", "d MMM"), _formats.moment(moment), _formats.moment(moment, "short"), _formats.month("2025-11")]
    assert [plain(text) for text in found] == said


def read(**args: str) -> Period:
    return read_period(args, "Europe/Riga", NOW)


def test_the_last_days_have_today_in_them() -> None:
    period = read()
    assert (period.first, period.last, period.days) == ("2025-10-24", "2025-11-22", 30)
    assert (period.before.first, period.before.last) == ("2025-09-24", "2025-10-23")
    assert [read(period=str(days)).days for days in LASTS] == list(LASTS)


def test_the_day_is_that_of_the_shop_not_of_the_server() -> None:
    late = 1_763_762_400_000 - 1
    assert read_period({}, "Europe/Riga", late).last == "2025-11-21"
    assert read_period({}, "Asia/Tokyo", late).last == "2025-11-22"


def test_a_month_is_compared_with_the_month_before() -> None:
    period = read(period="2024-03", compare="1")
    assert (period.first, period.last) == ("2024-03-01", "2024-03-31")
    assert (period.before.first, period.before.last) == ("2024-02-01", "2024-02-29")
    assert read(period="2025-01").before.first == "2024-12-01"
    assert period.query == {"period": "2024-03", "compare": "1"}


def on(day: str, **args: str) -> Period:
    """What is asked for at noon of a day."""
    return read_period(args, "Europe/Riga", int(datetime.fromisoformat(f"{day}T12:00:00+02:00").timestamp() * 1000))


@pytest.mark.parametrize(
    ("today", "first_before", "last_before"),
    [
        ("2025-11-22", "2025-10-01", "2025-10-22"), ("2025-11-01", "2025-10-01", "2025-10-01"), ("2025-11-30", "2025-10-01", "2025-10-30"),
        ("2025-03-31", "2025-02-01", "2025-02-28"), ("2024-03-31", "2024-02-01", "2024-02-29"), ("2025-01-15", "2024-12-01", "2024-12-15"),
    ],
)  # fmt: skip
def test_a_month_that_still_runs_is_compared_with_the_same_days_of_the_month_before(
    language: In, today: str, first_before: str, last_before: str
) -> None:
    period = on(today, period=today[:7], compare="1")
    assert (period.first, period.last) == (f"{today[:7]}-01", today), "no day to come"
    before = period.before
    assert (before.first, before.last) == (first_before, last_before)
    assert period.query == {"period": today[:7], "compare": "1"}
    with language("en"):
        assert period.label == _formats.month(today)
        days = [_formats.day(each) for each in (first_before, last_before)]
        assert before.label == (days[0] if first_before == last_before else " to ".join(days))
    led_to = on(today, **before.query)
    assert (led_to.first, led_to.last, led_to.refused) == (first_before, last_before, False)


def test_a_month_that_is_over_is_compared_with_the_whole_month_before() -> None:
    period = on("2025-12-01", period="2025-11")
    assert (period.last, period.before.key) == ("2025-11-30", "2025-10")
    assert (period.before.first, period.before.last) == ("2025-10-01", "2025-10-31")


def test_own_days_to_come_are_none_yet_and_the_address_keeps_them() -> None:
    asked = {"period": "own", "from": "2025-11-13", "to": "2025-12-31"}
    period = on("2025-11-22", **asked)
    assert (period.first, period.last, period.days, period.by) == ("2025-11-13", "2025-11-22", 10, "day")
    assert (period.before.first, period.before.last) == ("2025-11-03", "2025-11-12")
    assert period.query == asked
    assert on("2025-11-22", period="own", **{"from": "2025-11-22", "to": "2025-11-23"}).days == 1
    later = on("2025-11-22", period="own", **{"from": "2025-11-23", "to": "2025-11-24"})
    assert (later.first, later.last, later.refused) == ("2025-11-23", "2025-11-24", False)


def test_a_chart_ends_today_and_has_the_same_days_of_the_month_before() -> None:
    steps = steps_of(on("2025-11-22", period="2025-11", compare="1"))
    assert [step.key for step in steps] == [f"2025-11-{number:02d}" for number in range(1, 23)]
    assert [step.before for step in steps] == [(f"2025-10-{number:02d}",) * 2 for number in range(1, 23)]
    in_march = steps_of(on("2025-03-31", period="2025-03", compare="1"))
    assert [step.before for step in in_march][26:] == [("2025-02-27",) * 2, ("2025-02-28",) * 2, None, None, None]
    weeks = steps_of(on("2025-11-22", period="own", **{"from": "2025-09-01", "to": "2025-12-31"}))
    assert weeks[-1].days == ("2025-11-17", "2025-11-22")


def test_own_days() -> None:
    period = read(period="own", **{"from": "2025-01-30", "to": "2025-02-02"})
    assert (period.days, period.before.first, period.before.last) == (4, "2025-01-26", "2025-01-29")
    assert read(**period.query) == period


NONSENSE: list[dict[str, str]] = [
    {"period": "0"}, {"period": "-7"}, {"period": "2025-13"}, {"period": "own"}, {"period": "own", "from": "2025-02-30", "to": "2025-03-01"},
    {"period": "own", "from": "2025-03-02", "to": "2025-03-01"}, {"period": "own", "from": "1066-10-14", "to": "2025-03-01"},
    {"period": "own", "from": "2001-01-01", "to": "2025-01-01"}, {"period": "٣٠"}, {"period": "30' OR 1=1"}, {"period": "2025-1"},
]  # fmt: skip


@pytest.mark.parametrize("asked", NONSENSE)
def test_nonsense_is_the_last_thirty_days_and_says_so(asked: dict[str, str]) -> None:
    period = read(**asked)
    assert period.refused
    assert (period.key, period.days) == ("30", 30)
    assert not read(**period.query).refused


@given(st.dictionaries(st.sampled_from(["period", "from", "to", "compare"]), st.text(max_size=12)))
def test_whatever_is_asked_there_are_days(args: dict[str, str]) -> None:
    period = read_period(args, "Europe/Riga", NOW)
    assert date.fromisoformat(period.first) <= date.fromisoformat(period.last)
    assert period.days == period.before.days or "-" in period.key
    if "-" not in period.key:
        assert date.fromisoformat(period.before.last) + timedelta(days=1) == date.fromisoformat(period.first)


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(0, 400))
def test_a_month_has_no_days_to_come_and_while_it_runs_no_more_days_before(today: date, ago: int) -> None:
    period = on(f"{today}", period=f"{today - timedelta(days=ago):%Y-%m}")
    before = period.before
    assert period.first <= period.last <= period.today
    assert before.first[8:] == "01" and before.last < period.first
    assert before.days <= period.days or period.last < period.today
    assert on(f"{today}", **before.query).last == before.last


@pytest.mark.parametrize("name", LANGUAGES)
def test_labels_are_words_of_the_language(language: In, name: str) -> None:
    with language(name):
        labels = [read(**asked).label for asked in _ASKED]
        months = read().months
    assert len(set(labels)) == len(labels)
    assert len(months) == 12
    assert months[0][0] == "2025-11"
    assert not any(text[:1].islower() for _, text in months)


_ASKED: list[dict[str, Any]] = [
    {}, {"period": "7"}, {"period": "2025-10"}, {"period": "own", "from": "2025-01-30", "to": "2025-02-02"},
    {"period": "own", "from": "2025-01-30", "to": "2025-01-30"},
]  # fmt: skip
