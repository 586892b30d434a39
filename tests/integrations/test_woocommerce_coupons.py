"""Coupons in a WooCommerce shop: one for each that was wanted, whatever is known of earlier attempts."""

from collections.abc import Mapping
from typing import Any

import pytest

from integrations import (
    CancelCoupon,
    GrantPoints,
    IssueCoupon,
    PermanentError,
    Receipt,
    Response,
    TemporaryError,
)
from integrations.woocommerce import integration as woocommerce
from tests.integrations.conftest import sample_settings
from tests.integrations.woo_shop import WooShop

SETTINGS = sample_settings("woocommerce")
AT = "2026-11-21T10:00:00.000Z"
TEN = IssueCoupon("ab3d5fgh", "percent", "10", None, "2026-12-31T22:00:00.000Z", "7", "Thanks", AT)
FIVE = IssueCoupon("xy7z2345", "fixed", "5.00", "EUR", None, "7", "Thanks", AT)
GONE = CancelCoupon("ab3d5fgh", "7", AT)


def deliver(shop: Any, message: Any, key: str = "msg_1") -> Receipt:
    return woocommerce.deliver(message, SETTINGS, shop, key)


class LostAnswers:
    """Does what is asked, and loses the answer."""

    def __init__(self, shop: WooShop) -> None:
        self.shop = shop

    def request(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Response:
        self.shop.request(method, url, headers=headers, body=body)
        if method in ("POST", "DELETE"):
            raise TemporaryError("no answer within 15 s", unknown=True)
        return self.shop.request(method, url, headers=headers, body=body)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (TEN, {"code": "ab3d5fgh", "discount_type": "percent", "amount": "10", "date_expires_gmt": "2026-12-31T22:00:00"}),
        (FIVE, {"code": "xy7z2345", "discount_type": "fixed_cart", "amount": "5.00"}),
    ],
)
def test_a_coupon_is_made_for_one_use(message: IssueCoupon, said: dict[str, str]) -> None:
    shop = WooShop()
    assert deliver(shop, message).status == 201
    (made,) = shop.coupons
    assert made.items() >= {**said, "usage_limit": 1, "individual_use": True, "description": "Thanks"}.items()
    # WooCommerce 8.9.3 fails at the checkout with a coupon that is bound to an address.
    assert "email_restrictions" not in made


def test_the_same_again_makes_no_second_one() -> None:
    shop = WooShop()
    deliver(shop, TEN)
    for _ in range(3):
        assert deliver(shop, TEN).status == 200
    assert len(shop.coupons) == 1


def test_after_a_lost_answer_the_shop_is_asked_and_has_it() -> None:
    shop = WooShop()
    assert woocommerce.find(TEN, SETTINGS, shop, "msg_1") is None
    with pytest.raises(TemporaryError) as caught:
        deliver(LostAnswers(shop), TEN)
    assert caught.value.unknown
    assert woocommerce.find(TEN, SETTINGS, shop, "msg_1") is not None
    assert shop.asked[-1] == ("GET", "coupons")
    assert len(shop.coupons) == 1


@pytest.mark.parametrize("other", [{"amount": "50.00"}, {"discount_type": "fixed_cart"}])
def test_another_coupon_with_this_code_is_not_ours(other: dict[str, str]) -> None:
    shop = WooShop(coupons=[{"id": 1, "code": "ab3d5fgh", "discount_type": "percent", "amount": "10.00", **other}])
    with pytest.raises(PermanentError, match="another coupon"):
        deliver(shop, TEN)
    with pytest.raises(PermanentError, match="another coupon"):
        woocommerce.find(TEN, SETTINGS, shop, "msg_1")


def test_a_fixed_amount_is_only_given_in_the_shops_own_currency() -> None:
    shop = WooShop()
    with pytest.raises(PermanentError, match="currency is EUR"):
        deliver(shop, IssueCoupon("c", "fixed", "50", "SEK", None, "7", "Thanks", AT))
    assert shop.coupons == []


def test_a_coupon_is_taken_back_once_and_that_can_be_seen() -> None:
    shop = WooShop()
    deliver(shop, TEN)
    deliver(shop, FIVE)
    assert woocommerce.find(GONE, SETTINGS, shop, "msg_2") is None
    with pytest.raises(TemporaryError):
        deliver(LostAnswers(shop), GONE)
    assert woocommerce.find(GONE, SETTINGS, shop, "msg_2") is not None
    assert deliver(shop, GONE).status == 200
    assert [each["code"] for each in shop.coupons] == ["xy7z2345"]


@pytest.mark.parametrize(
    ("answer", "kind", "unknown"),
    [
        (Response(400, body=b'{"code":"rest_invalid_param"}'), PermanentError, None),
        (Response(401, body=b'{"code":"woocommerce_rest_cannot_create"}'), TemporaryError, False),
        (Response(403, body=b"blocked"), TemporaryError, False),
        (Response(302, {"location": "/"}), TemporaryError, False),
        (Response(404, body=b"<html>"), TemporaryError, False),
        (Response(429, {"retry-after": "30"}), TemporaryError, False),
        (Response(500, body=b"critical error"), TemporaryError, True),
        (Response(504), TemporaryError, True),
        (Response(200, body=b"<html>maintenance</html>"), TemporaryError, True),
    ],
)
def test_what_each_answer_means(answer: Response, kind: type[Exception], unknown: bool | None) -> None:
    with pytest.raises(kind) as caught:
        deliver(WooShop(answer=answer), TEN)
    assert getattr(caught.value, "unknown", None) is unknown
    if answer.status == 429:
        assert isinstance(caught.value, TemporaryError)
        assert caught.value.retry_after == 30


def test_points_are_no_matter_of_woocommerce() -> None:
    assert GrantPoints not in woocommerce.handles
    with pytest.raises(PermanentError):
        deliver(WooShop(), GrantPoints("7", 5, 5, "Thanks", AT))
