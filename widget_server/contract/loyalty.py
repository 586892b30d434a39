"""What a shop decides about its points: how long they are pending, when they are over, what they buy. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from .coupons import CouponTerms

RETURN_DAYS = 14
MOST_RETURN_DAYS = 365
MOST_EXPIRE_DAYS = 3650
MOST_REWARDS = 50


@dataclass(frozen=True, slots=True)
class Reward:
    """What customers may choose: `coupon` for `points`."""

    name: str
    points: int
    coupon: CouponTerms


@dataclass(frozen=True, slots=True)
class Loyalty:
    """Points are pending for `return_days`, and over `expire_days` after that; never, when it is None."""

    return_days: int = RETURN_DAYS
    expire_days: int | None = None
    rewards: tuple[Reward, ...] = ()

    def reward(self, name: str) -> Reward | None:
        return next((reward for reward in self.rewards if reward.name == name), None)

    def to_json(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> "Loyalty":
        raw: Mapping[str, Any] = orjson.loads(text)
        rewards = tuple(Reward(each["name"], each["points"], CouponTerms(**each["coupon"])) for each in raw["rewards"])
        return cls(raw["return_days"], raw["expire_days"], rewards)
