"""Which questions the page of an order need not ask: those this order has answered, and those that its customer has
answered for another one recently enough.

Nothing is kept in the browser before consent, so a wave ("every 90 days") is held here, by the order: who placed it is
told by the token's `cust`, by the shop's platform or by an imported file. A customer of whom nobody has told is asked.
"""

from collections.abc import Mapping

from sqlalchemy import Connection

from widget_server.contract.answer import order_key
from widget_server.contract.order import GUEST, pseudonym
from widget_server.contract.shop import Shop
from widget_server.contract.tokens import OrderClaims
from widget_server.record import answers, orders

_DAY = 86_400_000
# An account that a whole company orders by has many; whoever answered none of so many may be asked.
_ORDERS = 200


def answered(conn: Connection, shop: Shop, claims: OrderClaims, now: int) -> list[str]:
    """The names, sorted. `now` is in ms."""
    found = set(answers.answered_by_order(conn, shop.id, order_key(claims.order, claims.line)))
    held = {question: span for question, span in _held(shop).items() if question not in found}
    customers = _customers(conn, shop, claims) if held else []
    if customers:
        theirs = orders.newest_of(conn, shop.id, customers, _ORDERS)
        last = answers.last_answered(conn, shop.id, customers, theirs, sorted(held))
        found |= {question for question, at in last.items() if at > now - held[question]}
    return sorted(found)


def _held(shop: Shop) -> Mapping[str, int]:
    """How long an answer holds, in ms, for each question that is asked and whose settings say that it does."""
    found = {}
    for name, versions in shop.questions.items():
        settings = versions[-1].settings
        if versions[-1].paused:
            continue
        if settings.get("until_answered") is True:
            found[name] = 1 << 62
        elif settings.get("every_days"):
            found[name] = settings["every_days"] * _DAY
    return found


def _customers(conn: Connection, shop: Shop, claims: OrderClaims) -> list[str]:
    """The names that whoever placed the order goes by: as told, the pseudonyms of that, and of guests their e-mail's."""
    told = {name for name in (claims.customer, orders.customer_of(conn, shop.id, claims.order)) if name}
    hashed = {pseudonym(shop.customer_key, name) for name in told}
    hashed |= {name.removeprefix(GUEST) for name in told if name.startswith(GUEST)}
    return sorted(told | hashed | {GUEST + name for name in hashed})
