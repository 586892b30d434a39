"""What is sent, and how far it is, in words for a shop-keeper."""

from typing import Final

from flask_babel import LazyString

from ._texts import lazy_gettext

_ = lazy_gettext

# Every type that an endpoint can ask for, in groups.
GROUPS: Final[tuple[tuple[LazyString, dict[str, LazyString]], ...]] = (
    (_("What shoppers say"), {
        "answer.given": _("Somebody answered"),
        "score.updated": _("A score changed"),
        "question.shown": _("A question was shown"),
        "question.dismissed": _("A question was closed without an answer"),
        "question.skipped": _("A question was due and not asked"),
    }),
    (_("What you decide"), {
        "answer.quarantined": _("An answer was left out of the count"),
        "answer.released": _("An answer was counted again"),
        "answer.removed": _("An answer was removed"),
        "rule.fired": _("One of your rules came true"),
    }),
    (_("Points and coupons"), {
        "points.changed": _("A customer's points changed"),
        "coupon.created": _("A coupon was granted"),
        "coupon.issued": _("Your shop has made the coupon"),
        "coupon.failed": _("Your shop refused the coupon"),
        "coupon.cancelled": _("A coupon is not valid any more"),
    }),
    (_("Searches"), {
        "search.performed": _("Somebody searched"),
        "result.clicked": _("Somebody chose a result"),
    }),
    (_("Orders and customers"), {
        "order.placed": _("An order was placed"),
        "order.completed": _("An order was completed"),
        "order.refunded": _("An order was refunded"),
        "order.updated": _("An order changed"),
        "customer.updated": _("A customer's data changed"),
        "customer.birthday": _("A customer has a birthday"),
        "customer.silent": _("A customer has gone silent"),
        "customer.erased": _("A customer asked to be forgotten"),
    }),
)  # fmt: skip
TYPES: Final = {name: label for _group, types in GROUPS for name, label in types.items()}
# What connections are sent, and the test.
OTHERS: Final[dict[str, LazyString]] = {
    "coupon.issue": _("Make a coupon"),
    "coupon.cancel": _("Take back a coupon"),
    "points.grant": _("Book points"),
    "endpoint.test": _("A test"),
    "mail": _("A mail"),
}
STATES: Final[dict[str, LazyString]] = {
    "due": _("Waiting"),
    "done": _("Arrived"),
    "dead": _("Given up"),
    "cancelled": _("Cancelled"),
}
STAGES: Final[dict[str, tuple[LazyString, str]]] = {
    "planned": (_("Waiting"), ""),
    "sending": (_("Being sent"), "info"),
    "done": (_("Arrived"), "good"),
    "unknown": (_("Unknown whether it arrived"), "warn"),
    "failed": (_("Given up"), "bad"),
    "cancelled": (_("Cancelled"), ""),
}
# Platforms by the names that people know; others are called as their folder is.
PLATFORMS: Final[dict[str, LazyString | str]] = {"webhook": _("Your own system (webhook)"), "woocommerce": "WooCommerce"}
ABOUT_PLATFORMS: Final[dict[str, LazyString]] = {
    "webhook": _("For a shop or a program of your own: it gets coupons and points as signed messages."),
    "woocommerce": _("We hear of orders and customers, and coupons are made in your shop."),
}
SETTINGS: Final[dict[tuple[str, str], tuple[LazyString, LazyString | str]]] = {
    ("webhook", "url"): (_("Address"), _("Where the messages shall go, with https://.")),
    ("webhook", "secret"): (_("Signing secret"), _("It proves to your system that a message is from us.")),
    ("woocommerce", "url"): (_("Address of the shop"), _("As shoppers see it, with https://.")),
    ("woocommerce", "consumer_key"): (_("Consumer key"), _("In WordPress: WooCommerce, Settings, Advanced, REST API, Add key, with permission Read/Write.")),
    ("woocommerce", "consumer_secret"): (_("Consumer secret"), _("It stands beside the consumer key.")),
    ("woocommerce", "secret"): (_("Secret of the webhooks"), _("It proves to us that a message is from your shop.")),
    ("woocommerce", "birthday_field"): (_("Meta field with the birthday"), _("Only if a plugin keeps birthdays: what its field is called.")),
}  # fmt: skip


def type_label(name: str) -> str:
    """What a message is about."""
    return str(TYPES.get(name) or OTHERS.get(name) or name)


def platform_label(name: str) -> str:
    """A platform by the name that people know."""
    return str(PLATFORMS.get(name, name))
