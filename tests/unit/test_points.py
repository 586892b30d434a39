"""Points and coupons, the pure part: targets and lines, lots, words, terms and their forms."""

from collections import Counter, defaultdict
from dataclasses import replace
from string import Formatter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widget_server.contract import coupons, points
from widget_server.contract.coupons import CouponTerms
from widget_server.contract.ledger_texts import LANGUAGES, TEXTS, explain
from widget_server.contract.points import BECAUSE, Due, Entry, Room
from widget_server.contract.times import DAY

NOW = 1_763_800_000_000


def due(source: str = "order:1", owed: int = 100, customer: str = "c1", **more: Any) -> Due:
    return Due("rul_1", 1, source, customer, owed, more.pop("available_at", NOW + DAY), NOW, **more)


def settled(dues: list[Due], lines: list[Entry], now: int = NOW) -> list[Entry]:
    present: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for line in lines:
        present[line.rule, line.source].append(line)
    made = points.settle([(each, "2025-11-22") for each in dues], present, Room(), now, None)
    return [*lines, *(replace(entry, id=f"pt_{entry.source}_{entry.n}") for entry in made)]


steps = st.lists(
    st.tuples(
        st.sampled_from(["order:1", "order:2", "order:3"]), st.integers(0, 200), st.sampled_from(["c1", "c2", "e:x"]),
        st.integers(0, 3),
    ),
    max_size=12,
)  # fmt: skip


@settings(deadline=None)
@given(steps, st.randoms())
def test_the_sum_is_what_is_owed_whatever_came_before(told: list[tuple[str, int, str, int]], random: Any) -> None:
    lines: list[Entry] = []
    for source, owed, customer, days in told:
        now = NOW + days * DAY
        each = due(source, owed, customer)
        lines = settled([each], lines, now)
        sums: Counter[str] = Counter()
        for line in lines:
            if line.source == source:
                sums[line.customer] += line.points
        assert {name: n for name, n in sums.items() if n} == ({customer: owed} if owed else {})
        assert settled([each] * 3, lines, now) == lines
        assert [line.n for line in lines if line.source == source] == list(range(sum(line.source == source for line in lines)))
    final = {source: (owed, customer) for source, owed, customer, _ in told}
    at_once = [due(source, owed, customer) for source, (owed, customer) in final.items()]
    random.shuffle(at_once)
    total: Counter[str] = Counter()
    for line in settled(at_once, []):
        total[line.customer] += line.points
    for line in lines:
        total[line.customer] -= line.points
    assert not any(total.values())


@settings(deadline=None)
@given(steps)
def test_what_is_pending_is_never_below_zero(told: list[tuple[str, int, str, int]]) -> None:
    """What is taken back before it is approved is taken from what is pending, not from what can be spent."""
    lines: list[Entry] = []
    for source, owed, customer, _ in told:
        lines = settled([due(source, owed, customer)], lines)
    for name in ("c1", "c2", "e:x"):
        there = points.balance([line for line in lines if line.customer == name], NOW)
        assert (there.approved, there.pending >= 0) == (0, True)


def test_a_correction_takes_what_is_pending_first() -> None:
    lines = settled([due(owed=50, available_at=NOW)], [])
    lines = settled([due(owed=80, available_at=NOW + DAY)], lines)
    lines = settled([due(owed=30)], lines)
    assert [(line.points, line.available_at) for line in lines] == [
        (50, NOW), (30, NOW + DAY), (-30, NOW + DAY), (-20, NOW),
    ]  # fmt: skip


capped_steps = st.lists(st.tuples(st.integers(1, 6), st.sampled_from([0, 40, 100]), st.sampled_from(["c1", "c2"])), max_size=15)


@settings(deadline=None)
@given(capped_steps, st.booleans())
def test_a_cap_gives_what_it_leaves_room_for(told: list[tuple[int, int, str]], at_once: bool) -> None:
    """Facts 1 to 3 are of one day, 4 to 6 of another. Every sum that is below what is owed met some cap."""
    caps = points.Caps(customer=150, day=170, total=260)
    lines: list[Entry] = []
    for batch in [told] if at_once else [[each] for each in told]:
        dues = {n: (due(f"order:{n}", owed, who, caps=caps), f"day {n // 4}") for n, owed, who in batch}
        present: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        room = Room()
        for line in lines:
            present[line.rule, line.source].append(line)
            room.add(line)
        lines += points.settle(dues.values(), present, room, NOW, None)
        sums: Counter[str] = Counter()
        for line in lines:
            for key in ("all", line.customer, line.day, line.source):
                sums[key] += line.points
        assert sums["all"] <= 260
        assert max(sums["c1"], sums["c2"]) <= 150
        assert max(sums["day 0"], sums["day 1"]) <= 170
        for each, day in dues.values():
            full = sums["all"] == 260 or sums[each.customer] == 150 or sums[day] == 170
            assert sums[each.source] == each.points or (full and 0 <= sums[each.source] < each.points)
    for line in lines:
        assert "capped" not in line.why or (line.points > 0 and line.why["capped"] > 0)


def spent(n: int, points_: int) -> Entry:
    return line(-points_, rule="redeem", source=f"redeem:{n}", kind="redeem")


def lot(n: int, points_: int, expires: int | None, **more: Any) -> Entry:
    return replace(line(points_, source=f"order:{n}", **more), id=f"pt_{n}", expires_at=expires)


def left(lines: list[Entry]) -> dict[str, int]:
    return {each.id: each.left for each in points.lots(lines)}


def test_what_is_over_first_is_spent_first() -> None:
    lots = [lot(1, 50, NOW + 9 * DAY), lot(2, 30, NOW + DAY), lot(3, 20, None)]
    assert left([*lots, spent(1, 25)]) == {"pt_2": 5, "pt_1": 50, "pt_3": 20}
    assert left([*lots, spent(1, 25), spent(2, 30)]) == {"pt_2": 0, "pt_1": 25, "pt_3": 20}
    assert left([*lots, spent(1, 85)]) == {"pt_2": 0, "pt_1": 0, "pt_3": 15}
    assert left([*lots, spent(1, 500)]) == {"pt_2": 0, "pt_1": 0, "pt_3": 0}
    assert [each.id for each in points.overdue([*lots, spent(1, 25)], NOW + DAY)] == ["pt_2"]
    assert points.overdue([*lots, spent(1, 30)], NOW + DAY) == []
    assert points.overdue(lots, NOW + DAY - 1) == []


def test_what_is_taken_back_is_taken_from_what_gave_it() -> None:
    back = line(-30, source="order:1", n=1, kind="refund")
    lots = [lot(1, 50, NOW + DAY), lot(2, 50, NOW + 2 * DAY), back]
    assert left(lots) == {"pt_1": 20, "pt_2": 50}
    again = replace(line(40, source="order:1", n=2), id="pt_1b", expires_at=NOW + 3 * DAY)
    assert left([*lots, again]) == {"pt_1": 20, "pt_2": 50, "pt_1b": 40}
    assert left([*lots, again, line(-50, source="order:1", n=3, kind="refund")]) == {"pt_1": 10, "pt_2": 50, "pt_1b": 0}
    by_hand = line(-60, rule="adjust", source="adjust:x", kind="correction")
    assert left([*lots, by_hand]) == {"pt_1": 0, "pt_2": 10}


def test_what_expired_is_no_longer_there_and_not_spent_twice() -> None:
    gone = line(-20, rule="expiry", source="expiry:pt_1", kind="expiry")
    lots = [lot(1, 50, NOW + DAY), lot(2, 50, NOW + 2 * DAY), spent(1, 30), gone]
    assert left(lots) == {"pt_1": 0, "pt_2": 50}
    assert left([*lots, spent(2, 10)]) == {"pt_1": 0, "pt_2": 40}


@pytest.mark.parametrize(
    ("taken", "paid", "expired", "given_back"),
    [(100, 40, 60, 60), (50, 40, 60, 50), (30, 40, 60, 30), (10, 0, 100, 10), (100, 0, 100, 100), (100, 100, 0, 0), (0, 40, 60, 0)],
)
def test_what_expired_and_is_taken_back_is_taken_once(taken: int, paid: int, expired: int, given_back: int) -> None:
    """Of 100 points some were spent and the rest expired; then a refund takes some back."""
    lines = [lot(1, 100, NOW + DAY), line(-taken, source="order:1", n=1, kind="refund")]
    lines += [spent(1, paid), line(-expired, rule="expiry", source="expiry:pt_1", kind="expiry")]
    found = points.expired_too_much(lines, {"pt_1"})
    assert found == ({"pt_1": given_back} if given_back else {})
    assert points.expired_too_much(lines, set()) == {}
    assert sum(each.points for each in lines) + given_back == min(0, 100 - taken - paid)


def test_of_two_words_about_one_order_the_kind_says_why() -> None:
    lines = settled([due()], [])
    kinds = {because: settled([due(owed=40, because=because)], lines)[-1].kind for because in BECAUSE}
    assert {name for name, kind in kinds.items() if kind == "refund"} == {"refunded", "cancelled"}


def test_texts_have_the_same_words_and_places_in_each_language() -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert set(TEXTS) == set(LANGUAGES) == {"lv", "lt", "et", "ru", "en"}
    for texts in TEXTS.values():
        assert set(texts) == set(TEXTS["en"])
        for name, words in texts.items():
            assert places(words) == places(TEXTS["en"][name]), name
    for name in TEXTS["en"]:
        if name not in ("other",):
            assert len({texts[name] for texts in TEXTS.values()}) == 5, name


def line(points_: int = 50, **more: Any) -> Entry:
    given_ = {"rule": "rul_1", "source": "order:A-17", "n": 0, "kind": "earn", "why": {"name": "50 for rating"}, **more}
    return Entry("c1", given_.pop("rule"), 1, given_.pop("source"), given_.pop("n"), given_.pop("kind"), points_, NOW, NOW, **given_)


@pytest.mark.parametrize(
    ("entry", "lang", "said"),
    [
        (line(), "en", "Points earned: order A-17 (rule: 50 for rating)"),
        (line(), "lv", "Nopelnīti punkti: pasūtījums A-17 (noteikums: 50 for rating)"),
        (line(), "lt-LT", "Uždirbti taškai: užsakymas A-17 (taisyklė: 50 for rating)"),
        (line(), "et_EE", "Teenitud punktid: tellimus A-17 (reegel: 50 for rating)"),
        (line(), "RU", "Начислены баллы: заказ A-17 (правило: 50 for rating)"),
        (line(), "pl", "Points earned: order A-17 (rule: 50 for rating)"),
        (line(), None, "Points earned: order A-17 (rule: 50 for rating)"),
        (line(-50, kind="refund", why={"name": "r", "because": "refunded"}), "en", "Points taken back because of a refund: order A-17 (rule: r)"),
        (line(-50, kind="refund", why={"name": "r", "because": "cancelled"}), "lv", "Punkti atskaitīti, jo pasūtījums atcelts: pasūtījums A-17 (noteikums: r)"),
        (line(source="answer:order-rating:order:A-17:2"), "en", "Points earned: answer about order A-17:2 (rule: 50 for rating)"),
        (line(source="answer:search-found:browser:x"), "en", "Points earned: answer to the question search-found (rule: 50 for rating)"),
        (line(source="birthday:2026:c1"), "lv", "Nopelnīti punkti: dzimšanas diena 2026 (noteikums: 50 for rating)"),
        (line(source="silent:c1:A-1"), "ru", "Начислены баллы: подарок после долгого перерыва (правило: 50 for rating)"),
        (line(why={"name": "r", "because": "moved"}, kind="correction"), "en", "Points moved from another account of the customer: order A-17 (rule: r)"),
        (line(-5, why={"name": "r", "because": "moved"}, kind="correction"), "en", "Points moved to another account of the customer: order A-17 (rule: r)"),
        (line(why={"name": "r", "capped": 20}), "en", "Points earned: order A-17 (rule: r). Above the rule’s limit and not given: 20"),
        (line(-5, rule="redeem", kind="redeem", why={"coupon": {"kind": "fixed", "amount": 500, "currency": "EUR", "days": 30}}), "en",
         "Points exchanged for a coupon: 5.00 EUR"),
        (line(-5, rule="redeem", kind="redeem", why={"coupon": {"kind": "percent", "amount": 1250}}), "lv", "Punkti iemainīti pret kuponu: 12.5 %"),
        (line(-5, rule="redeem", kind="redeem", why={"coupon": {}, "reward": "a {mug}"}), "en", "Points exchanged: a {mug}"),
        (line(5, rule="redeem", kind="return"), "en", "Points given back because the coupon could not be made"),
        (line(-5, rule="expiry", kind="expiry"), "et", "Punktid aegusid"),
        (line(5, rule="expiry", kind="return"), "en", "Points given back because they had already expired"),
        (line(-5, rule="adjust", kind="correction", why={"reason": "twice"}), "lt", "Parduotuvės pataisymas: twice"),
        (line(-5, rule="adjust", kind="correction", why={}), "en", "Corrected by the shop"),
    ],
)  # fmt: skip
def test_a_line_in_words(entry: Entry, lang: str | None, said: str) -> None:
    assert explain(entry, lang) == said


@pytest.mark.parametrize(
    ("given_", "wrong"),
    [
        ({"kind": "percent", "amount": "10"}, None), ({"kind": "percent", "amount": "0.01"}, None), ({"kind": "percent", "amount": "100.00"}, None),
        ({"kind": "percent", "amount": "0.001"}, "amount"), ({"kind": "percent", "amount": "100.01"}, "amount"), ({"kind": "percent", "amount": "0"}, "amount"),
        ({"kind": "percent", "amount": "-5"}, "amount"), ({"kind": "percent", "amount": "5", "currency": "EUR"}, "currency"),
        ({"kind": "fixed", "amount": "5.00", "currency": "EUR"}, None), ({"kind": "fixed", "amount": "5", "currency": "JPY"}, None),
        ({"kind": "fixed", "amount": "5.5", "currency": "JPY"}, "amount"), ({"kind": "fixed", "amount": "5.005", "currency": "EUR"}, "amount"),
        ({"kind": "fixed", "amount": "5.0000", "currency": "EUR"}, None), ({"kind": "fixed", "amount": "5.00"}, "currency"),
        ({"kind": "fixed", "amount": "-5.00", "currency": "EUR"}, "amount"), ({"kind": "fixed", "amount": "999999999999.9999", "currency": "CLF"}, "amount"),
    ],
)  # fmt: skip
def test_terms(given_: dict[str, Any], wrong: str | None) -> None:
    assert coupons.COUPON.check(given_) == {}
    assert list(coupons.errors(given_)) == ([] if wrong is None else [wrong])
    if wrong is None:
        made = coupons.terms(given_)
        again = coupons.terms(coupons.terms_json(made))
        assert again == made


@settings(deadline=None)
@given(st.sampled_from(["percent", "fixed"]), st.from_regex(r"-?\d{1,12}(\.\d{1,4})?", fullmatch=True), st.sampled_from(["EUR", "JPY", "KWD", "CLF", None]))
def test_terms_without_errors_are_terms(kind: str, amount: str, currency: str | None) -> None:
    given_ = {"kind": kind, "amount": amount, "currency": currency}
    if amount.isascii() and not coupons.errors(given_):
        made = coupons.terms(given_)
        assert 0 < made.amount <= 2**53 - 1
        assert coupons.terms(coupons.terms_json(made)) == made


@pytest.mark.parametrize(
    "wrong",
    [("percent", 0), ("percent", 10_001), ("fixed", 0, "EUR"), ("fixed", 5), ("percent", 5, "EUR"), ("fixed", 2**53, "EUR"), ("fixed", 1.0, "EUR"), ("fixed", 5, "EUR", 0)],
)
def test_wrong_terms_are_none(wrong: Any) -> None:
    with pytest.raises(ValueError, match="coupon"):
        CouponTerms(*wrong)


def test_an_erased_name_is_replaced_where_it_stands() -> None:
    for source, made in (
        ("birthday:2025:c1", "birthday:2025:x"), ("birthday:2025:c11", "birthday:2025:c11"), ("silent:c1:A:1", "silent:x:A:1"),
        ("silent:c11:c1", "silent:c11:c1"), ("order:c1", "order:c1"), ("answer:q:order:c1", "answer:q:order:c1"),
    ):  # fmt: skip
        assert points.unnamed(source, "c1", "x") == made
    assert points.unnamed("silent:a:b:c", "a:b", "x") == "silent:x:c"
