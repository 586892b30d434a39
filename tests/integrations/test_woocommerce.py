"""WooCommerce: what its running shops were seen to do, on their recorded requests and on a shop in memory."""

import base64
import hmac
import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from integrations import Inbound, NotUnderstood
from integrations.signing import SignatureError
from integrations.woocommerce import integration as woocommerce
from integrations.woocommerce import words
from tests.integrations.conftest import Hooked, make_hooked, sample_settings
from tests.integrations.woo_shop import order
from widget_server.act import rules
from widget_server.act.inbound import take_in
from widget_server.contract.order import OrderFacts, facts, pseudonym
from widget_server.contract.settings import Settings
from widget_server.record import customers, inbox, ledger, orders, shops
from widget_server.record.db import Database

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "webhooks"
RECORDED_SECRET = "woo-test-secret"
SECRET = sample_settings("woocommerce")["secret"]


def signed(topic: str, body: Any, delivery: str = "d1", secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    """A request as WooCommerce makes it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = base64.b64encode(hmac.digest(secret.encode(), raw, "sha256")).decode()
    return {
        "content-type": "application/json", "x-wc-webhook-topic": topic, "x-wc-webhook-signature": signature,
        "x-wc-webhook-id": "1", "x-wc-webhook-delivery-id": delivery,
    }, raw  # fmt: skip


def send(hooked: Hooked, topic: str, body: Any, delivery: str = "d1") -> None:
    assert hooked.send("woocommerce", *signed(topic, body, delivery)).status_code == 200


def state(hooked: Hooked, *refs: str) -> dict[str, OrderFacts]:
    with hooked.database.reading() as conn:
        return {ref: facts(found) for ref, found in orders.load(conn, hooked.shop, refs).items()}


# --- the recorded requests --------------------------------------------------------------------------------------------


def recorded(version: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted((RECORDED / f"woocommerce-{version}").glob("*.json"))]


def replayed(hooked: Hooked, requests: Iterable[Mapping[str, Any]]) -> None:
    for each in requests:
        headers = {name: value for name, value in each["headers"] if name not in ("Host", "Connection", "Content-Length")}
        assert hooked.send("woocommerce", headers, base64.b64decode(each["body_b64"])).status_code == 200


# (state, total, refunded, products) by order: read off the recordings by eye.
FINAL = {
    "10.7.0": {"15": ("completed", 9980, 1000, ("TS-1",)), "16": ("completed", 5841, 0, ("TEE-S", "TS-1"))},
    "8.9.3": {"14": ("completed", 9980, 1000, ("TS-1",)), "15": ("open", 6490, 0, ("TEE-S", "TS-1"))},
}


@pytest.mark.shared
@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded webhooks are not in ../shared/data")
@pytest.mark.parametrize("version", FINAL)
@pytest.mark.parametrize("seed", range(2))
def test_all_that_a_running_shop_sent_ends_in_the_right_orders(
    database: Database, settings: Settings, version: str, seed: int
) -> None:
    hooked = make_hooked(database, settings, secret=RECORDED_SECRET)
    requests = recorded(version)
    # As it came; then in any order, each three times.
    replayed(hooked, requests if seed == 0 else random.Random(seed).sample(requests * 3, len(requests) * 3))
    take_in(database)
    found = state(hooked, "14", "15", "16")
    assert {ref: (each.state, each.total, each.refunded, each.products) for ref, each in found.items()} == FINAL[version]
    with database.reading() as conn:
        shop = shops.by_id(conn, hooked.shop)
        assert shop is not None
        anna = "e:" + pseudonym(shop.customer_key, "ann@example.com")
        bob = customers.load(conn, hooked.shop, ["2"])["2"]
        assert inbox.refused(conn, hooked.connections["woocommerce"]) == []
    assert {each.customer for each in found.values()} == {anna}
    assert bob.email == pseudonym(shop.customer_key, "bob@example.com")
    # order.created and order.updated brought the same body: that is one event.
    assert len(hooked.events()) == 3
    assert "@" not in json.dumps(hooked.events())


@pytest.mark.shared
@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded webhooks are not in ../shared/data")
def test_two_orders_that_share_a_delivery_id_are_two(database: Database, settings: Settings) -> None:
    hooked = make_hooked(database, settings, secret=RECORDED_SECRET)
    by_delivery: dict[str, list[dict[str, Any]]] = {}
    for each in recorded("10.7.0"):
        headers = dict(each["headers"])
        if headers.get("X-WC-Webhook-Topic") == "order.created":
            by_delivery.setdefault(headers["X-WC-Webhook-Delivery-ID"], []).append(each)
    ((_, both),) = by_delivery.items()
    assert len(both) == 2
    replayed(hooked, both)
    take_in(database)
    assert set(state(hooked, "15", "16")) == {"15", "16"}


# --- one order, told a hundred times ----------------------------------------------------------------------------------

RULE = {"name": "50 for an order", "when": "order.completed", "then": [{"points": 50}]}


@pytest.mark.parametrize("seed", range(2))
def test_an_order_told_100_times_in_any_order_gives_its_points_once(hooked: Hooked, seed: int) -> None:
    with hooked.database.writing() as conn:
        shop = shops.by_id(conn, hooked.shop)
        assert shop is not None
        rules.create(conn, shop, RULE, 1)
    done = {"date_completed_gmt": "2026-11-21T10:05:00"}
    story = [
        ("order.created", order(5, "pending", "2026-11-21T10:00:00")),
        ("order.updated", order(5, "processing", "2026-11-21T10:00:00")),
        ("order.updated", order(5, "completed", "2026-11-21T10:05:00", **done)),
        # Half of it is given back, first in the same second.
        ("order.updated", order(5, "completed", "2026-11-21T10:05:00", refunds=[{"id": 6, "total": "-5.00"}], **done)),
        ("order.updated", order(5, "completed", "2026-11-21T11:00:00", refunds=[{"id": 6, "total": "-5.00"}, {"id": 7, "total": "-20.00"}], **done)),
    ]  # fmt: skip
    rng = random.Random(seed)
    deliveries = [*story, *rng.choices(story, k=95)]
    rng.shuffle(deliveries)
    for number, (topic, body) in enumerate(deliveries):
        # Another delivery id each time; some bodies come with their fields in another order, so that bytes differ.
        if rng.random() < 0.3:
            body = dict(sorted(body.items()))
        send(hooked, topic, body, f"d{number}")
        if rng.random() < 0.1:
            take_in(hooked.database)
    take_in(hooked.database)
    (found,) = state(hooked, "5").values()
    assert (found.state, found.total, found.refunded, found.customer) == ("completed", 5000, 2500, "7")
    with hooked.database.reading() as conn:
        lines = ledger.of_customer(conn, hooked.shop, "7", None, 100)
    assert sum(line.points for line in lines) == 25
    assert {line.source for line in lines} == {"order:5"}
    assert len(hooked.events()) == len(story)


def test_a_refund_of_the_same_second_wins_whichever_comes_first(hooked: Hooked) -> None:
    before, after = order(5, "completed"), order(5, "completed", refunds=[{"id": 6, "total": "-12.50"}])
    for number, bodies in enumerate(((before, after), (after, before))):
        for body in bodies:
            send(hooked, "order.updated", {**body, "id": 50 + number})
    take_in(hooked.database)
    assert [each.refunded for each in state(hooked, "50", "51").values()] == [1250, 1250]


def test_an_order_goes_into_the_bin_and_comes_back_and_goes_again(hooked: Hooked) -> None:
    seen = []
    for topic, body in (
        ("order.created", order(5)), ("order.deleted", {"id": 5}),
        ("order.restored", order(5, modified="2099-01-01T00:00:00")),
    ):  # fmt: skip
        send(hooked, topic, body, topic)
        take_in(hooked.database)
        seen.append(state(hooked, "5")["5"].state)
    assert seen == ["open", "cancelled", "open"]


def test_a_second_deletion_is_another_one_though_it_says_the_same(hooked: Hooked) -> None:
    for delivery in ("a", "a", "b"):
        send(hooked, "order.deleted", {"id": 5}, delivery)
    take_in(hooked.database)
    assert len(hooked.events()) == 2


def test_what_is_signed_as_one_thing_is_not_taken_for_another(hooked: Hooked) -> None:
    """The topic is not part of what WooCommerce signs."""
    customer = {"id": 5, "role": "customer", "email": "a@example.lv", "date_modified_gmt": "2026-11-21T10:00:00"}
    for topic, body in (("order.deleted", order(5)), ("order.updated", customer), ("customer.updated", order(5)), ("customer.deleted", customer)):
        send(hooked, topic, body)
    take_in(hooked.database)
    assert hooked.events() == []
    with hooked.database.reading() as conn:
        assert len(inbox.refused(conn, hooked.connections["woocommerce"])) == 4


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("auto-draft", "pending"), ("checkout-draft", "pending"), ("pending", "pending"), ("on-hold", "placed"),
        ("processing", "placed"), ("completed", "completed"), ("cancelled", "cancelled"), ("failed", "failed"),
        ("refunded", "refunded"), ("trash", "cancelled"), ("wc-completed", "completed"), ("shipped", "shipped"),
        ("Awaiting shipment!", None),
    ],
)  # fmt: skip
def test_each_status_has_its_word(theirs: str, ours: str | None) -> None:
    assert words.order(order(1, theirs), "now").about.get("status") == ours


@pytest.mark.parametrize(
    ("total", "refunds", "said"),
    [
        ("99.80", [], ("99.80", "0.00")), ("0.00", [], ("0.00", "0.00")), ("10", ["-2.5"], ("10.00", "2.50")),
        ("1000", ["-300", "-0.5"], ("1000.00", "300.50")), ("12.3456", ["-0.0001"], ("12.3456", "0.0001")),
        ("12.34567", [], ("12.3457", "0.00")), ("", [], (None, "0.00")), (None, [None], (None, "0.00")),
        ("NaN", ["Infinity"], (None, "0.00")), ("5.00", ["2.00"], ("5.00", "0.00")), (50, [-5], ("50.00", "5.00")),
    ],
)  # fmt: skip
def test_money_stays_exact(total: Any, refunds: list[Any], said: tuple[str | None, str]) -> None:
    raw = order(1, total=total, refunds=[{"id": n, "total": each} for n, each in enumerate(refunds)])
    about = words.order(raw, "now").about
    assert (about.get("total"), about["refunded"]) == said


def test_a_guest_is_known_by_the_address_alone() -> None:
    about = words.order(order(1, customer_id=0, billing={"email": " Anna.Ozola@Example.LV "}), "now").about
    assert "customer" not in about
    assert about["email"] == "anna.ozola@example.lv"
    assert "email" not in words.order(order(1, billing={"email": ""}), "now").about


def test_only_times_in_gmt_are_read() -> None:
    raw = order(1, date_modified="2026-11-21T12:00:00", date_modified_gmt=None, date_completed="2026-11-21T12:00:00")
    event = words.order(raw, "2026-11-21T10:00:01.000Z")
    assert event.at == event.about["updated_at"] == "2026-11-20T10:00:00Z"
    bare = {**raw, "date_created_gmt": None}
    assert words.order(bare, "2026-11-21T10:00:01.000Z").at == "2026-11-21T10:00:01.000Z"


@pytest.mark.parametrize(
    ("extra", "language"),
    [
        ({"lang": "lv"}, "lv"), ({"lang": "lv_LV"}, "lv-LV"), ({"meta_data": [{"key": "wpml_language", "value": "lt"}]}, "lt"),
        ({"meta_data": [{"key": "trp_language", "value": "et_EE"}]}, "et-EE"), ({}, None), ({"lang": "<b>"}, None),
        ({"meta_data": "x", "lang": 5}, None), ({"meta_data": [{"key": ["wpml_language"], "value": "lv"}]}, None),
    ],
)  # fmt: skip
def test_the_language_is_where_plugins_keep_it(extra: dict[str, Any], language: str | None) -> None:
    assert words.order(order(1, **extra), "now").about.get("language") == language


def test_a_line_names_its_product_by_sku_else_by_number_else_by_name() -> None:
    items = [
        {"id": 1, "name": "A", "product_id": 9, "sku": "S", "quantity": 2, "price": 14.333333333333334},
        {"id": 2, "name": "B", "product_id": 9, "sku": "", "quantity": 0.5, "price": "1"},
        {"id": 3, "name": "C\x00<b>", "product_id": 0, "sku": None, "quantity": 1, "price": 0},
        {"id": None, "name": "D", "product_id": 9}, {"id": 5, "name": "", "product_id": 0}, "no line",
    ]  # fmt: skip
    raw = words.parse(json.dumps(order(1, line_items=items)).encode())
    lines = words.order(raw, "now").about["lines"]
    assert lines == [
        {"line": "1", "product": "S", "name": "A", "quantity": 2, "price": "14.3333"},
        {"line": "2", "product": "9", "name": "B", "price": "1.00"},
        {"line": "3", "product": "C <b>", "name": "C <b>", "quantity": 1, "price": "0.00"},
    ]


def test_an_order_of_very_many_lines_says_that_it_names_some() -> None:
    items = [{"id": n, "name": "A", "product_id": n, "sku": "", "quantity": 1, "price": 1} for n in range(1, 700)]
    about = words.order(order(1, line_items=items), "now").about
    assert (len(about["lines"]), about["partial"]) == (500, True)


# --- the frame's traps ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "body", "is_ping"),
    [
        ({}, b"webhook_id=1", True), ({"content-type": "application/x-www-form-urlencoded"}, b"webhook_id=123456", True),
        ({"x-wc-webhook-topic": "order.updated"}, b"webhook_id=1", False), ({}, b"webhook_id=1&a=b", False),
        ({}, b"webhook_id=", False), ({}, b"webhook_id=x", False), ({}, b"webhook_id=1\n", False), ({}, b"", False),
        ({}, b'{"id":1}', False), ({}, b"webhook_id=" + b"1" * 19, False),
    ],
)  # fmt: skip
def test_only_the_trial_needs_no_signature(headers: dict[str, str], body: bytes, is_ping: bool) -> None:
    assert woocommerce.is_ping(Inbound(headers, body, 0)) is is_ping


@pytest.mark.parametrize("typed", ["a&b<c>'\"", "a&amp;b&lt;c&gt;'\"", "a&amp;b&lt;c&gt;&#039;&quot;"])
def test_a_secret_with_entities_is_read_as_woocommerce_reads_it(typed: str) -> None:
    """It signs with wp_specialchars_decode(secret), whatever form the owner has copied."""
    headers, body = signed("order.updated", order(1), secret="a&b<c>'\"")
    woocommerce.verify(Inbound(headers, body, 0), {"secret": typed})


def test_no_secret_verifies_nothing() -> None:
    for secret in ("", " "):
        headers, body = signed("order.updated", order(1), secret="")
        with pytest.raises(SignatureError):
            woocommerce.verify(Inbound(headers, body, 0), {"secret": secret})


def test_a_deletion_names_one_number() -> None:
    for body in ({}, {"id": "5"}, {"id": 0}, {"id": -5}, {"id": 5.0}, {"id": True}, {"id": None}, {"id": 5, "a": 1}):
        with pytest.raises(NotUnderstood):
            words.order_gone(body, "now")
