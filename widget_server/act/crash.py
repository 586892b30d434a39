"""Dying on purpose at a chosen moment, for the fault tests; nothing otherwise."""

import os

# The moments, in the order in which `ATBALSS_CRASH_AT=n` counts them, from 1.
POINTS = (
    "batch read",
    "events in the log",
    "batch applied, not committed",
    "batch committed, not acknowledged",
    "batch acknowledged",
    "requests of a platform counted, not noted down",
    "orders and answers kept",
    "rules settled",
    "points settled, coupons not",
    "coupons granted, not told",
    "points and coupons told",
    "messages claimed",
    "message about to be sent",
    "message sent, outcome not known",
    "outcomes noted down, not committed",
    "outcomes committed",
    "request of a platform kept, not answered",
    "points redeemed, no coupon yet",
    "points redeemed for a coupon, not committed",
)

_number = os.environ.get("ATBALSS_CRASH_AT", "")
_fatal = POINTS[int(_number) - 1] if _number.isdecimal() and 0 < int(_number) <= len(POINTS) else None


def crash_point(name: str) -> None:
    """Dies like by a kill -9 when it comes here for the first time and `ATBALSS_CRASH_AT` is the number of `name`."""
    if name == _fatal:
        os._exit(137)
