"""What endpoints can be told of that is no event of the log: a rule that fired, points, coupons, and a test.

`TYPES` is everything an owner can ask for at /v1/endpoints. A notice goes out once for each cause, whatever is repeated.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from widget_server.contract.events import EVENT_TYPES
from widget_server.record import endpoints, holds, outbox

SCORE_UPDATED = "score.updated"
RULE_FIRED = "rule.fired"
POINTS_CHANGED = "points.changed"
NOTICES: Mapping[str, str] = {
    RULE_FIRED: "a rule's condition became true",
    POINTS_CHANGED: "a line was added to a customer's points",
    "coupon.created": "a coupon was granted; the platform does not have it yet",
    "coupon.issued": "the platform has the coupon",
    "coupon.failed": "the platform refused the coupon for good",
    "coupon.cancelled": "a coupon is not valid any more",
}
TYPES = (*sorted(EVENT_TYPES), SCORE_UPDATED, *NOTICES)
TEST = "endpoint.test"
_TEST_EVERY = 5_000  # ms; asking more often gives the test that is under way


def tell(
    conn: Connection,
    shop_id: str,
    type: str,
    cause: str,
    data: Mapping[str, Any],
    now: int,
    only: str | None = None,
) -> int:
    """Queue one notice for every endpoint that asked for `type`, or for the endpoint `only`, whatever that asked for.

    `cause` is what happened, in words unique in the shop for this type. Returns how many endpoints are told.
    """
    return tell_all(conn, shop_id, type, [(cause, data)], now, only)


def tell_all(
    conn: Connection,
    shop_id: str,
    type: str,
    told: Iterable[tuple[str, Mapping[str, Any]]],
    now: int,
    only: str | None = None,
) -> int:
    """The same for many causes, in as many queries as for one. `told` is looked at only when somebody listens."""
    assert type in NOTICES, type
    wanting = [
        each.id
        for each in endpoints.for_shop(conn, shop_id)
        if (type in each.types if only is None else each.id == only)
    ]
    rows = []
    for cause, data in told if wanting else ():
        body = outbox.webhook_body(type, now, {"shop": shop_id, **data})
        rows += [outbox.OutboxRow(shop_id, f"{type}:{cause}:{each}", each, type, body) for each in wanting]
    outbox.add(conn, rows, now)
    return len(rows)


def send_test(conn: Connection, shop_id: str, endpoint: str, now: int) -> str:
    """Queue a test for one endpoint, before all that waits for it, and now even if it is held back for its failures.

    Returns the delivery's id.
    """
    body = outbox.webhook_body(TEST, now, {"shop": shop_id, "endpoint": endpoint})
    row = outbox.OutboxRow(shop_id, f"{TEST}:{endpoint}:{now // _TEST_EVERY}", endpoint, TEST, body)
    holds.hurry(conn, endpoint, now)
    return outbox.add_first(conn, row, now)
