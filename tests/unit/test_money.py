"""Money in smallest units: ISO 4217's decimals, rounding, and there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget_server.contract.money import decimal, minor


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("12.34", "EUR", 1234),
        ("12.3", "EUR", 1230),
        ("12", "EUR", 1200),
        ("0.005", "EUR", 1),
        ("0.0049", "EUR", 0),
        ("19.9950", "EUR", 2000),
        ("-0.005", "EUR", -1),
        ("-12.34", "EUR", -1234),
        ("1234", "JPY", 1234),
        ("1234.5", "JPY", 1235),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12345),
        ("12.34", None, 1234),
        ("12.34", "ZZZ", 1234),
        ("999999999999.9999", "EUR", 100_000_000_000_000),
    ],
)
def test_amounts_in_smallest_units(amount: str, currency: str | None, units: int) -> None:
    assert minor(amount, currency) == units


@pytest.mark.parametrize("amount", ["", "1,5", "1e3", ".5", "5.", "12.34 EUR", "٣", "NaN", "--1", "1\n"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        minor(amount, "EUR")


@given(st.integers(-(10**16), 10**16), st.sampled_from(["EUR", "JPY", "KWD", "CLF", None]))
def test_there_and_back_is_the_same(units: int, currency: str | None) -> None:
    assert minor(decimal(units, currency), currency) == units


def test_decimals_as_people_write_them() -> None:
    written = [decimal(*one) for one in ((5, "EUR"), (-5, "EUR"), (1200, "EUR"), (5, "JPY"), (5, "KWD"), (0, "EUR"))]
    assert written == ["0.05", "-0.05", "12.00", "5", "0.005", "0.00"]
