"""What every platform that sends us requests must keep, by its samples. A new folder is under these tests at once."""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy import event as sql
from sqlalchemy.exc import OperationalError

from integrations import Inbound, NotUnderstood, Receiving
from integrations.signing import SignatureError
from tests.integrations.conftest import NOW, PLATFORMS, Hooked, Sample, sample_settings, samples
from widget_server.act import inbound
from widget_server.act.inbound import envelope_of, receiving, take_in
from widget_server.contract.events import EVENT_TYPES
from widget_server.contract.settings import Settings
from widget_server.contract.shop import Shop
from widget_server.record import connections, inbox, shops
from widget_server.record.db import Database
from widget_server.web import hooks

SIGNED = samples("event", "ignored", "refused")
EVENTS = samples("event")
SHOP = Shop("shop_1", "Shop", "pk_1", ("shop.example",), "UTC", "ots", customer_key="k" * 32)


def code_of(sample: Sample) -> Receiving:
    found = receiving(sample.platform)
    assert found is not None
    return found


def refused(sample: Sample, request: Inbound, settings: dict[str, str] | None = None) -> bool:
    try:
        code_of(sample).verify(request, sample_settings(sample.platform) if settings is None else settings)
    except SignatureError:
        return True
    return False


def with_header(sample: Sample, name: str, value: str | None) -> Inbound:
    headers = {key: each for key, each in sample.request.headers.items() if key != name}
    return replace(sample.request, headers=headers if value is None else {**headers, name: value})


# --- the signature ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platform_brings_samples_of_every_kind(platform: str) -> None:
    kinds = {sample.kind for sample in samples() if sample.platform == platform}
    assert kinds >= {"event", "ignored", "refused"}


@pytest.mark.parametrize("sample", SIGNED, ids=str)
def test_a_sample_is_signed(sample: Sample) -> None:
    assert not refused(sample, sample.request)
    assert not code_of(sample).is_ping(sample.request)


@pytest.mark.parametrize("sample", SIGNED, ids=str)
def test_no_byte_of_a_body_can_be_changed(sample: Sample) -> None:
    body = sample.request.body
    changed = [body[:at] + bytes([body[at] ^ 1 << at % 8]) + body[at + 1 :] for at in range(len(body))]
    changed += [body[:-1], body + b" ", body + b"\n", b"", body + body]
    assert all(refused(sample, replace(sample.request, body=each)) for each in changed)


@pytest.mark.parametrize("sample", SIGNED, ids=str)
def test_no_character_of_a_signature_can_be_changed(sample: Sample) -> None:
    assert sample.signed_by
    for name in sample.signed_by:
        value = sample.request.headers[name]
        other = [value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :] for at in range(len(value))]
        for each in (*other, "", " ", "x", "ā", "\x00", value + "A", value[1:], f"{value},{value}", value.swapcase(), None):
            assert refused(sample, with_header(sample, name, each)), each


@pytest.mark.parametrize("sample", SIGNED, ids=str)
def test_another_secret_signs_nothing(sample: Sample) -> None:
    ours = sample_settings(sample.platform)
    for name, value in ours.items():
        if name == "secret":
            for other in ("", " ", "x", value[:-1], value + "A", value.swapcase(), "ā"):
                assert refused(sample, sample.request, {**ours, name: other})


@pytest.mark.parametrize("sample", SIGNED, ids=str)
def test_two_secrets_are_good_while_one_is_being_changed(sample: Sample) -> None:
    ours = sample_settings(sample.platform)
    for both in (f"New0Secret {ours['secret']}", f"{ours['secret']} New0Secret"):
        assert not refused(sample, sample.request, {**ours, "secret": both})


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", EVENTS, ids=str)
def test_a_sample_says_what_stands_beside_it(sample: Sample) -> None:
    code, ours = code_of(sample), sample_settings(sample.platform)
    assert code.topic(sample.request) in code.topics
    found = code.receive(sample.request, ours)
    assert [{"type": each.type, "at": each.at, "about": dict(each.about)} for each in found] == sample.events
    assert found


@pytest.mark.parametrize("sample", EVENTS, ids=str)
def test_an_event_is_one_of_ours_and_names_nobody(sample: Sample) -> None:
    for event in code_of(sample).receive(sample.request, sample_settings(sample.platform)):
        envelope = envelope_of(SHOP, event, sample.request.received)
        made = json.loads(envelope)["event"]
        assert EVENT_TYPES[made["type"]].source == "platform"
        assert b"@" not in envelope
        # Made from what it says, so it is the same wherever and whenever it is read.
        assert made["id"] == json.loads(envelope_of(SHOP, event, sample.request.received + 5000))["event"]["id"]
        assert made["id"] != json.loads(envelope_of(replace(SHOP, id="shop_2"), event, 0))["event"]["id"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_different_samples_are_different_deliveries(platform: str) -> None:
    found = [sample for sample in SIGNED if sample.platform == platform]
    names = [code_of(sample).delivery(sample.request) for sample in found]
    assert len(set(names)) == len(names)
    assert names == [code_of(sample).delivery(replace(sample.request, received=1)) for sample in found]
    assert all(0 < len(name) <= 200 for name in names)


@pytest.mark.parametrize("sample", samples("refused"), ids=str)
def test_what_can_t_be_understood_is_refused_with_a_reason(sample: Sample) -> None:
    with pytest.raises(NotUnderstood) as caught:
        code_of(sample).receive(sample.request, sample_settings(sample.platform))
    assert str(caught.value)


GARBAGE = (
    b"", b" ", b"{", b"[]", b"null", b"true", b"0", b'"x"', b"{}", b"\xff\xfe{}", b"\x00", b'{"id":NaN}', b'{"id":1e999}', b'{"id":-1}',
    b'{"id":' + b"9" * 5000 + b"}", b'{"id":[]}', b'{"id":true}', b"[" * 60_000, b'{"a":' * 60_000, b'{"id":"\\ud800"}', b"a=1&b=2", b"<xml/>",
)  # fmt: skip


@pytest.mark.parametrize("platform", PLATFORMS)
def test_garbage_is_never_an_event_and_never_an_accident(platform: str) -> None:
    code = receiving(platform)
    assert code is not None
    for sample in (each for each in EVENTS if each.platform == platform):
        for body in GARBAGE:
            with pytest.raises(NotUnderstood):
                code.receive(replace(sample.request, body=body), sample_settings(platform))


ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, "", " ", "x" * 3000, "ā\x00\ud800", [], {}, [None], [[]], {"a": {}}, "-5.00", "1e5", "NaN",
    "9999999999999.99", "2026-02-30T25:61:61", "<script>", "@", "a@b", [{"id": None}],
)  # fmt: skip


@pytest.mark.parametrize("sample", EVENTS, ids=str)
def test_a_body_with_anything_odd_in_it_is_understood_or_refused(sample: Sample) -> None:
    """Every field takes every odd value, one at a time: what comes out is an event of ours or NotUnderstood."""
    code, ours = code_of(sample), sample_settings(sample.platform)
    if not sample.request.body.startswith(b"{"):
        pytest.fail("bodies of another form need a test of their own")
    whole = json.loads(sample.request.body)
    outcomes = set()
    for place in _places(whole):
        for odd in ODD:
            body = json.dumps(_changed(whole, place, odd)).encode()
            try:
                found = code.receive(replace(sample.request, body=body), ours)
                for event in found:
                    envelope_of(SHOP, event, 0)
                outcomes.add("taken")
            except NotUnderstood:
                outcomes.add("refused")
    assert "refused" in outcomes


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for name, each in inner:
        found += _places(each, (*path, name))
    return found


def _changed(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    if not path:
        return to
    if isinstance(value, dict):
        return {k: _changed(v, path[1:], to) if k == path[0] else v for k, v in value.items()}
    return [_changed(v, path[1:], to) if k == path[0] else v for k, v in enumerate(value)]


# --- the frame --------------------------------------------------------------------------------------------------------


def waiting(hooked: Hooked) -> int:
    with hooked.database.reading() as conn:
        return len(inbox.waiting(conn, 1000))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_is_answered_200_is_stored_and_becomes_its_events_once(hooked: Hooked, platform: str) -> None:
    mine = [sample for sample in EVENTS if sample.platform == platform]
    assert {hooked.sample(sample).status_code for sample in mine} == {200}
    assert waiting(hooked) == len(mine)
    assert hooked.events() == []
    said = take_in(hooked.database).new
    assert waiting(hooked) == 0
    assert said == len(hooked.events()) > 0
    before = hooked.events()
    for _ in range(3):
        for sample in mine:
            assert hooked.sample(sample).status_code == 200
        take_in(hooked.database)
    assert hooked.events() == before


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_was_acknowledged_lies_sealed_and_is_gone_when_it_is_counted(hooked: Hooked, platform: str) -> None:
    sample = next(sample for sample in EVENTS if sample.platform == platform and b"@" in sample.request.body)
    hooked.sample(sample)
    address = sample.request.body.partition(b"@")[2].partition(b'"')[0].decode()
    assert address
    assert address not in _dump(hooked)
    take_in(hooked.database)
    assert address not in _dump(hooked)
    with hooked.database.reading() as conn:
        held = conn.exec_driver_sql("SELECT state, request FROM inbox").all()
    assert [tuple(row) for row in held] == [("done", None)]


def _dump(hooked: Hooked) -> str:
    with hooked.database.reading() as conn:
        return "".join(str(conn.exec_driver_sql(f"SELECT * FROM {table}").all()) for table in ("inbox", "events", "orders"))


@pytest.mark.parametrize("sample", SIGNED, ids=str)
def test_a_bad_signature_is_401_and_leaves_nothing(small_hooked: Hooked, sample: Sample) -> None:
    for name in sample.signed_by:
        assert small_hooked.send(sample.platform, with_header(sample, name, None).headers, sample.request.body).status_code == 401
        assert small_hooked.send(sample.platform, with_header(sample, name, "x").headers, sample.request.body).status_code == 401
    reply = small_hooked.send(sample.platform, sample.request.headers, sample.request.body + b" ")
    assert (reply.status_code, reply.json["code"]) == (401, "unauthorized")
    assert waiting(small_hooked) == 0


@pytest.mark.parametrize("sample", samples("ignored", "ping"), ids=str)
def test_what_we_don_t_know_is_answered_as_if_it_had_been_taken(small_hooked: Hooked, sample: Sample) -> None:
    assert small_hooked.sample(sample).status_code == 200
    assert waiting(small_hooked) == 0


@pytest.mark.parametrize("sample", samples("refused"), ids=str)
def test_what_can_t_be_understood_stays_with_the_reason_and_stops_no_other(hooked: Hooked, sample: Sample) -> None:
    other = next(each for each in EVENTS if each.platform == sample.platform)
    assert hooked.sample(sample).status_code == 200
    assert hooked.sample(other).status_code == 200
    take_in(hooked.database)
    assert len(hooked.events()) == len(other.events)
    with hooked.database.reading() as conn:
        (kept,) = inbox.refused(conn, hooked.connections[sample.platform])
    assert kept.error
    assert waiting(hooked) == 0


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_request_signed_for_one_connection_opens_no_other(
    database: Database, settings: Settings, platform: str, make_two: Callable[[], tuple[Hooked, Hooked]]
) -> None:
    ours, theirs = make_two()
    sample = next(sample for sample in EVENTS if sample.platform == platform)
    reply = ours.send(platform, sample.request.headers, sample.request.body, theirs.path(platform))
    assert reply.status_code == 401
    assert waiting(ours) == 0


@pytest.fixture
def make_two(database: Database, settings: Settings) -> Callable[[], tuple[Hooked, Hooked]]:
    from tests.integrations.conftest import make_hooked

    return lambda: (make_hooked(database, settings), make_hooked(database, settings, secret="Another0Secret"))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_address_that_is_none_is_404_whatever_is_sent_there(small_hooked: Hooked, platform: str) -> None:
    sample = next(sample for sample in EVENTS if sample.platform == platform)
    mine = small_hooked.connections[platform]
    for path in (
        f"/v1/hooks/{platform}/con_{'0' * 24}", f"/v1/hooks/nothing/{mine}", f"/v1/hooks/webhook/{mine}", f"/v1/hooks/{platform}/{mine}x",
        f"/v1/hooks/{platform}/{mine.upper()}", f"/v1/hooks/{platform}/%27", f"/v1/hooks/{platform}/con_\x00", f"/v1/hooks/{platform}/",
        # No redirect: platforms take one for a success, or lose the body on the way.
        f"/v1/hooks/{platform}/{mine}/", f"/v1/hooks/{platform}//{mine}",
    ):  # fmt: skip
        assert small_hooked.send(platform, sample.request.headers, sample.request.body, path).status_code == 404, path
    assert small_hooked.client.get(small_hooked.path(platform)).status_code == 405
    with small_hooked.database.writing() as conn:
        connections.delete(conn, small_hooked.shop, mine, 1)
    assert small_hooked.sample(sample).status_code == 404
    assert waiting(small_hooked) == 0


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_huge_body_is_413_before_anything_looks_at_it(small_hooked: Hooked, platform: str) -> None:
    sample = next(sample for sample in EVENTS if sample.platform == platform)
    for size in (hooks.MOST_BYTES + 1, 3 * hooks.MOST_BYTES):
        reply = small_hooked.send(platform, sample.request.headers, b" " * size)
        assert (reply.status_code, reply.json["code"]) == (413, "too_large")
    assert small_hooked.send(platform, sample.request.headers, b" " * hooks.MOST_BYTES).status_code == 401
    assert waiting(small_hooked) == 0


@pytest.mark.parametrize("platform", PLATFORMS)
def test_while_the_database_is_away_the_platform_is_asked_to_come_back(
    small_hooked: Hooked, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_more: object) -> None:
        raise OperationalError("", {}, Exception("away"))

    sample = next(sample for sample in EVENTS if sample.platform == platform)
    with monkeypatch.context() as broken:
        broken.setattr(inbox, "put", away)
        reply = small_hooked.sample(sample)
    assert (reply.status_code, reply.json["code"]) == (503, "unavailable")
    assert int(reply.headers["Retry-After"]) > 0
    assert small_hooked.sample(sample).status_code == 200
    assert waiting(small_hooked) == 1


@pytest.mark.parametrize("platform", PLATFORMS)
def test_when_too_much_waits_the_platform_is_asked_to_come_back(
    small_hooked: Hooked, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MOST_WAITING", 2)
    mine = [sample for sample in EVENTS if sample.platform == platform]
    assert [small_hooked.sample(sample).status_code for sample in mine[:5]] == [200, 200, 200, 503, 503]
    take_in(small_hooked.database)
    assert small_hooked.sample(mine[3]).status_code == 200


@pytest.mark.parametrize("platform", PLATFORMS)
def test_who_sends_too_much_is_asked_to_come_back_and_nobody_else_is(
    small_hooked: Hooked, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MOST_OF_ONE", 2)
    mine = [sample for sample in EVENTS if sample.platform == platform]
    assert [small_hooked.sample(sample).status_code for sample in mine[:4]] == [200, 200, 200, 503]
    with small_hooked.database.writing() as conn:
        shop = shops.create(conn, "Neighbour", "neighbour.example").id
        neighbour = connections.create(conn, shop, platform, platform, sample_settings(platform), NOW).id
    path = f"/v1/hooks/{platform}/{neighbour}"
    assert small_hooked.send(platform, mine[3].request.headers, mine[3].request.body, path).status_code == 200


def test_what_waits_is_found_without_looking_at_all_that_is_remembered(sqlite_database: Database) -> None:
    ran: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            ran.append((statement, parameters))

    sql.listen(Engine, "before_cursor_execute", note)
    try:
        with sqlite_database.reading() as conn:
            assert not inbox.is_waiting(conn) and not inbox.is_full(conn, "con_1") and not inbox.waiting(conn, 10)
    finally:
        sql.remove(Engine, "before_cursor_execute", note)
    assert len(ran) == 4
    # Given as a parameter it fits the indexes only where a database plans anew for each value.
    assert all(".state = 'waiting'" in statement for statement, _ in ran), ran
    with sqlite_database.reading() as conn:
        plans = [conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all() for statement, parameters in ran]
    steps = [row[3] for plan in plans for row in plan]
    assert len(steps) == 4 and all("inbox_waiting" in step for step in steps), steps
    assert any("inbox_waiting_of (connection=?)" in step for step in steps), steps


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_same_delivery_from_many_sides_at_once_is_one(hooked: Hooked, platform: str) -> None:
    sample = next(sample for sample in EVENTS if sample.platform == platform)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: hooked.app.test_client().post(
            hooked.path(platform), data=sample.request.body, headers=dict(sample.request.headers)
        ).status_code, range(24)))  # fmt: skip
    assert statuses == [200] * 24
    assert waiting(hooked) == 1


def test_an_accident_of_a_platforms_code_stops_no_other(hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    for sample in EVENTS:
        hooked.sample(sample)
    bad = EVENTS[0]
    real = type(code_of(bad)).receive

    def receive(self: Any, request: Inbound, settings: dict[str, str]) -> Any:
        if request.body == bad.request.body:
            raise ZeroDivisionError("anna@example.lv")
        return real(self, request, settings)

    monkeypatch.setattr(type(code_of(bad)), "receive", receive)
    take_in(hooked.database)
    assert waiting(hooked) == 0
    with hooked.database.reading() as conn:
        (kept,) = inbox.refused(conn, hooked.connections[bad.platform])
    assert "ZeroDivisionError" in kept.error
    assert "@" not in kept.error


def test_what_ends_between_counting_and_noting_it_down_is_counted_once(hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    for sample in EVENTS:
        hooked.sample(sample)

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(inbox, "done", die)
        with pytest.raises(KeyboardInterrupt):
            take_in(hooked.database)
    before = hooked.events()
    assert before
    assert waiting(hooked) > 0
    take_in(hooked.database)
    assert waiting(hooked) == 0
    assert hooked.events() == before


def test_a_batch_that_fails_is_halved_until_the_bad_one_is_alone(hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    for sample in EVENTS:
        hooked.sample(sample)
    real, poison = inbound.process, samples("event")[0].events[0]["about"]["ref"]

    def process(database: Database, bodies: list[bytes]) -> Any:
        if any(f'"ref":"{poison}"'.encode() in body for body in bodies):
            raise ZeroDivisionError
        return real(database, bodies)

    with monkeypatch.context() as patched:
        patched.setattr(inbound, "process", process)
        take_in(hooked.database)
    assert waiting(hooked) == 0
    refs = {event.get("order", event.get("customer"))["ref"] for event in hooked.events()}
    assert poison not in refs
    assert refs


def test_a_key_is_known_for_40_days(hooked: Hooked) -> None:
    for sample in EVENTS:
        hooked.sample(sample)
    take_in(hooked.database)
    with hooked.database.writing() as conn:
        first = conn.exec_driver_sql("SELECT min(received) FROM inbox").scalar_one()
        assert inbox.prune(conn, first) == 0
        assert inbox.prune(conn, first + inbox.KEPT) == len(EVENTS)
    assert inbox.KEPT == 40 * 86_400_000


def test_what_waits_is_never_pruned(hooked: Hooked) -> None:
    hooked.sample(EVENTS[0])
    with hooked.database.writing() as conn:
        assert inbox.prune(conn, 2**60) == 0
    assert waiting(hooked) == 1


def test_ids_of_two_shops_never_meet(database: Database, settings: Settings) -> None:
    from tests.integrations.conftest import make_hooked

    first, second = make_hooked(database, settings), make_hooked(database, settings)
    rng = random.Random(1)
    for hooked in (first, second):
        for sample in rng.sample(EVENTS, len(EVENTS)):
            assert hooked.sample(sample).status_code == 200
    take_in(database)
    ids = [{event["id"] for event in hooked.events()} for hooked in (first, second)]
    assert ids[0]
    assert len(ids[0]) == len(ids[1])
    assert not ids[0] & ids[1]
    with database.reading() as conn:
        assert {shop.id for shop in shops.every(conn)} == {first.shop, second.shop}
