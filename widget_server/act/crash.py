"""Dying on purpose at a chosen moment, for the fault tests; nothing otherwise."""

import os

_number = os.environ.get("ATBALSS_CRASH_AT", "")
_left = int(_number) if _number.isdecimal() else 0


def crash_point() -> None:
    """Dies like by a kill -9 at the n-th call when `ATBALSS_CRASH_AT=n`."""
    global _left
    if _left:
        _left -= 1
        if not _left:
            os._exit(137)
