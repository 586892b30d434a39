"""Order tokens through the real intake into the tables: no forgery is stored, a replay edits, what has expired proves nothing."""

import http.client
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
import pytest
import redis
from sqlalchemy import text

from tests import forging
from tests.conftest import SECRET_KEY
from tests.pipeline.shopfront import Live, Reply, Shopfront, ask, event, make_shop, stored
from widget_server.act.pipeline import process
from widget_server.act.verify import verify
from widget_server.intake.stream import STREAM
from widget_server.record.db import Database

_AT_ONCE = 50


@pytest.fixture
def live_database(live: Live) -> Iterator[Database]:
    """The one of the shared web process."""
    opened = Database(live.database_url, SECRET_KEY)
    yield opened
    opened.close()


def rating(token: str, **fields: Any) -> dict[str, Any]:
    return event(order_token=token, **fields)


def post(front: Shopfront, candidates: Iterable[str]) -> Iterator[tuple[list[str], Reply]]:
    """Each candidate in an event of its own, many events a request."""
    connection = http.client.HTTPConnection(front.netloc, timeout=8)
    try:
        # So many distinct events would take longer to make than to judge.
        made, waiting = event(), list(candidates)
        for start in range(0, len(waiting), _AT_ONCE):
            some = waiting[start : start + _AT_ONCE]
            body = orjson.dumps({"events": [made | {"id": str(uuid.uuid4()), "order_token": one} for one in some]})
            yield some, ask(connection, "POST", f"{front.path}/answers", body, content_type="text/plain")
    finally:
        connection.close()


def accepted(front: Shopfront, candidates: Iterable[str]) -> list[str]:
    """Those whose event was not refused. All events are good but for their tokens."""
    found = []
    for some, reply in post(front, candidates):
        if reply.status == 422:
            refused = {int(path.split(".")[1]) for path in reply.json["errors"]}
        else:
            refused = {one["index"] for one in reply.json["rejected"]}
        found += [one for index, one in enumerate(some) if index not in refused]
    return found


def answers(database: Database, shop: str) -> list[dict[str, Any]]:
    statement = "SELECT question, key, verified, bucket, order_ref, first_at FROM answers WHERE shop = :shop ORDER BY key"
    with database.reading() as conn:
        return [dict(row._mapping) for row in conn.execute(text(statement), {"shop": shop})]


def apply(database: Database, client: "redis.Redis", front: Shopfront) -> list[dict[str, Any]]:
    """What waits in the stream reaches the tables; the answers then."""
    process(database, [orjson.dumps(one) for one in stored(client, front.shop)])
    client.delete(STREAM)
    assert list(verify(database, front.shop.id)) == []
    return answers(database, front.shop.id)


def test_of_200_tokens_with_any_byte_changed_none_is_stored(front: Shopfront, redis_client: "redis.Redis") -> None:
    made = forging.tokens(front.shop.order_token_secret, front.shop.site_key, int(time.time()))
    changed = [one for number, token in enumerate(made) for one in forging.mutated_once(token, number)]
    assert len(changed) > 200 * 150
    assert accepted(front, changed) == []
    assert stored(redis_client, front.shop) == []
    # They were refused for what was changed and for nothing else.
    assert accepted(front, made) == made
    assert len(stored(redis_client, front.shop)) == len(made)


def test_no_forgery_is_stored(front: Shopfront, redis_client: "redis.Redis") -> None:
    made = forging.tokens(front.shop.order_token_secret, front.shop.site_key, int(time.time()))[:6]
    assert accepted(front, forging.forgeries(made)) == []
    other = Shopfront(front.live, make_shop(front.live.database_url))
    now, mine, theirs = int(time.time()), front.shop, other.shop
    of_another_shop = forging.tokens(theirs.order_token_secret, theirs.site_key, now)
    its_site_my_secret = forging.tokens(mine.order_token_secret, theirs.site_key, now)
    my_site_its_secret = forging.tokens(theirs.order_token_secret, mine.site_key, now)
    for_another_use = forging.tokens(mine.order_token_secret, mine.site_key, now, use="claim")
    for public in (mine.site_key, mine.id, ""):
        assert accepted(front, forging.tokens(public, mine.site_key, now)[:20]) == []
    for wrong in (of_another_shop, its_site_my_secret, my_site_its_secret, for_another_use):
        assert accepted(front, wrong) == []
    assert stored(redis_client, mine) == stored(redis_client, theirs) == []


def test_a_browser_cannot_name_an_order_without_a_token(front: Shopfront, redis_client: "redis.Redis") -> None:
    order = {"ref": "A-1", "line": None, "sku": []}
    for field in ({"order": order}, {"row": "r1"}, {"revision": 1}, {"key": "order:A-1"}, {"marks": []}, {"verified": True}):
        reply = front.send(event(**field))
        assert (reply.status, list(reply.json["errors"])) == (422, [f"events.0.{next(iter(field))}"])
    assert stored(redis_client, front.shop) == []


def test_a_replayed_token_edits_the_one_answer_and_never_adds_one(
    front: Shopfront, live_database: Database, redis_client: "redis.Redis"
) -> None:
    token = front.token("A-1")
    for value in (1, 2, 3, 4, 5):
        # As somebody would who wants to vote often: other browsers, other answers, one request or many.
        sent = [rating(token, value=value, answer=str(uuid.uuid4())) for _ in range(10)]
        assert front.send(*sent).json == {"accepted": 10, "rejected": []}
        (one,) = apply(live_database, redis_client, front)
        assert (one["key"], one["verified"], one["order_ref"]) == ("order:A-1", True, "A-1")
    # A second token for the same order, too: it is the order that has one voice.
    assert front.send(rating(front.token("A-1", jti="another"), value=2)).status == 202
    assert len(apply(live_database, redis_client, front)) == 1
    assert voices(live_database, front) == 1


def voices(database: Database, front: Shopfront) -> int:
    statement = (
        "SELECT sum(n) FROM counters WHERE shop = :shop AND counter = 'answers' AND trust = 'verified' "
        "AND dimension = 'total' AND period = 'all'"
    )
    with database.reading() as conn:
        return int(conn.execute(text(statement), {"shop": front.shop.id}).scalar() or 0)


def test_the_same_event_sent_again_changes_nothing(
    front: Shopfront, live_database: Database, redis_client: "redis.Redis"
) -> None:
    first = rating(front.token("A-1"), value=4)
    assert front.send(first).status == 202
    before = apply(live_database, redis_client, front)
    # Its value or its order can't be exchanged under the same id either.
    for again in (first, first | {"value": 1}, first | {"order_token": front.token("A-2")}):
        assert front.send(again).status == 202
        assert apply(live_database, redis_client, front) == before


@pytest.mark.parametrize("claims", [{"exp": 1_000_000_000, "iat": 999_999_000}, {"iat": 4_000_000_000, "exp": 4_000_000_600}])
def test_an_expired_token_leaves_a_shoppers_word_and_no_proof(
    front: Shopfront, live_database: Database, redis_client: "redis.Redis", claims: dict[str, int]
) -> None:
    made = forging.tokens(front.shop.order_token_secret, front.shop.site_key, 0, **claims)
    sent = [rating(token) for token in made]
    for start in range(0, len(sent), _AT_ONCE):
        assert front.send(*sent[start : start + _AT_ONCE]).json == {"accepted": _AT_ONCE, "rejected": []}
    for one in stored(redis_client, front.shop):
        assert "order" not in one["event"] and "order_token" not in one["event"]
        assert "expired_token" in one["event"]["marks"]
    found = apply(live_database, redis_client, front)
    assert {one["key"] for one in found} == {f"browser:{one['id']}" for one in sent}
    assert {(one["verified"], one["order_ref"]) for one in found} == {(False, None)}
    assert voices(live_database, front) == 0


def test_asked_tells_nothing_to_a_forger(front: Shopfront, live_database: Database, redis_client: "redis.Redis") -> None:
    assert front.send(rating(front.token("A-1"))).status == 202
    apply(live_database, redis_client, front)
    good = front.token("A-1")
    assert asked(front, [good]) == [(200, ["order-rating"])]
    other = Shopfront(front.live, make_shop(front.live.database_url))
    wrong = [other.token("A-1"), front.token("A-1", use="claim"), front.token("A-1", site=other.shop.site_key)]
    # Spaces around a token are no other spelling of it.
    wrong += [one for one in forging.forgeries([good]) if one.strip() != good and one]
    wrong += forging.mutated_once(good, 1)[::9]
    assert {status for status, _ in asked(front, wrong)} <= {422, 411}
    assert asked(front, [front.token("A-1", exp=1)]) == [(200, [])]


def asked(front: Shopfront, candidates: Sequence[str]) -> list[tuple[int, Any]]:
    connection = http.client.HTTPConnection(front.netloc, timeout=8)
    found = []
    for one in candidates:
        reply = ask(connection, "POST", f"{front.path}/asked", one.encode(), content_type="text/plain")
        found.append((reply.status, reply.json.get("answered")))
    connection.close()
    return found
