"""Money: decimal text with its currency outside, whole numbers of the currency's smallest unit inside. Pure."""

import re

# ISO 4217, table A.1: currencies whose smallest unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
         "XAF", "XOF", "XPF"),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip
_HUNDREDTHS = 2
_FORM = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII)


def exponent(currency: str | None) -> int:
    """How many decimals the smallest unit of `currency` has; two when nobody said which currency it is."""
    return _HUNDREDTHS if currency is None else _EXPONENTS.get(currency, _HUNDREDTHS)


def minor(amount: str, currency: str | None) -> int:
    """`12.34` EUR as 1234. Parts of the smallest unit are rounded, halves away from zero.

    Raises ValueError when `amount` is no decimal number.
    """
    form = _FORM.fullmatch(amount)
    if form is None:
        raise ValueError(f'"{amount}" is no amount of money')
    sign, whole, fraction = form[1], form[2], form[3] or ""
    digits = exponent(currency)
    units = int(whole + fraction[:digits].ljust(digits, "0"))
    if fraction[digits : digits + 1] >= "5":
        units += 1
    return -units if sign else units


def decimal(units: int, currency: str | None) -> str:
    """1234 EUR as `12.34`: what `minor` takes."""
    digits = exponent(currency)
    sign = "-" if units < 0 else ""
    text = str(abs(units)).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"
