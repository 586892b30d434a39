"""What the columns of an imported file are called, and how a row of them becomes an event. Pure.

A row is checked by the same field tables as everything else (`contract.events`); what is here only brings cells into
their form: times without an offset are the shop's local times, a comma may stand for the decimal point, and of an e-mail
address only a keyed hash is kept.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from widget_server.contract.events import EVENT_TYPES, ORDER
from widget_server.contract.fields import REQUIRED, Text
from widget_server.contract.order import GUEST, pseudonym
from widget_server.contract.questions import QuestionType
from widget_server.contract.shop import Question, Shop
from widget_server.contract.times import format_time, parse_time, zone

ORDER_RATING = "order-rating"

_NOT_UTF8 = "It is not UTF-8; save the file as CSV UTF-8."
_NUL = "It has a NUL character in it."
_NO_TIME = "Give a time like 2026-11-22T10:00:00Z, or, in the shop's time zone, 2026-11-22 10:00, 22.11.2026 10:00 or a date."
_OUTSIDE = "Give a time from 1970 to 2099."
_DATE = r"(?:(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)|(?P<d2>\d\d?)\.(?P<m2>\d\d?)\.(?P<y2>\d{4}))\.?"
_CLOCK = r"(?P<h>\d\d?):(?P<min>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?)?"
_OFFSET = r"(?P<o>[Zz]|UTC|[+-]\d\d:?\d\d)"
_TIME = re.compile(rf"{_DATE}(?:[Tt ]\s*{_CLOCK}(?:\s*{_OFFSET})?)?", re.ASCII)
_BIRTHDAY = re.compile(rf"{_DATE}|(?P<m3>\d\d)-(?P<d3>\d\d)|(?P<d4>\d\d?)\.(?P<m4>\d\d?)\.?", re.ASCII)
_NO_BIRTHDAY = "Give a date like 1990-02-28 or 28.02.1990, or without the year 02-28 or 28.02."
_WHOLE = re.compile(r"([+-]?\d{1,15})(?:[.,]0+)?", re.ASCII)
_COMMA_MONEY = re.compile(r"(-?\d{1,12}),(\d{1,2})", re.ASCII)
_ROW = Text(290)  # an answer's key, `import:` before it, has 300 at most


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows belong: the shop and its rating question."""

    shop: Shop
    question: Question
    kind: QuestionType


Clean = Callable[[str, Place], Any]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column. `aliases` are other headers it goes by, compared in lower case with `_` for all but letters and digits.

    `path` is where its value stands in the event; `clean` raises ValueError with a sentence.
    """

    name: str
    path: str
    aliases: tuple[str, ...] = ()
    required: bool = False
    clean: Clean = lambda text, _: text


@dataclass(frozen=True)
class FileKind:
    """One kind of file. A file must have one column of each tuple in `one_of`; `row` names a row for ever."""

    name: str
    columns: tuple[Column, ...]
    event: Callable[[Values, Place], dict[str, Any]]
    row: Callable[[Values], str]
    one_of: tuple[tuple[str, ...], ...] = ()

    def column(self, name: str) -> Column | None:
        """The column of this name."""
        return next((column for column in self.columns if column.name == name), None)

    def at_path(self, path: str) -> str:
        """The name of the column whose value stands at `path` in the event."""
        return next((column.name for column in self.columns if column.path == path), path)


class Refused(Exception):
    """A row that can't become an event. `errors` is {column: sentence}."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {sentence}" for name, sentence in errors.items()))
        self.errors = dict(errors)


def read_row(kind: FileKind, cells: Mapping[str, str], place: Place) -> tuple[str, dict[str, Any]]:
    """The row's name and its event, still without `id` and `revision`; `at` only when the row tells a time.

    `cells` are those of the known columns that the file has. Raises Refused.
    """
    values, errors = _cleaned(kind, cells, place)
    if errors:
        raise Refused(errors)
    event = kind.event(values, place)
    row = kind.row(values)
    found = _checked(event)
    if found:
        raise Refused({kind.at_path(path): sentence for path, sentence in found.items()})
    if "at" in event:
        event["at"] = parse_time(event["at"])
    return row, event


def _cleaned(kind: FileKind, cells: Mapping[str, str], place: Place) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for column in kind.columns:
        text = cells.get(column.name)
        if text is None:
            continue
        text = text.strip()
        if not text:
            if column.required or any(column.name in names for names in kind.one_of):
                errors[column.name] = REQUIRED
        elif not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            errors[column.name] = _NOT_UTF8
        elif "\0" in text:
            errors[column.name] = _NUL
        else:
            try:
                values[column.name] = column.clean(text, place)
            except ValueError as error:
                errors[column.name] = str(error)
    return values, errors


def _checked(event: Mapping[str, Any]) -> dict[str, str]:
    """The errors of the event by path, as the contract sees it; what only the server adds is checked apart."""
    kind = EVENT_TYPES[event["type"]]
    raw = {"id": "00000000-0000-8000-8000-000000000000", "at": "2000-01-01T00:00:00Z", **event}
    if kind.source == "platform":
        # Of a list no column stands for one item.
        return {re.sub(r"^(customer\.segments)\.\d+$", r"\1", path): said for path, said in kind.check(raw).items()}
    order = raw.pop("order", None)
    wrong = _ROW.check(raw.pop("row"))
    found = kind.check(raw) | ({} if wrong is None else {"row": wrong})
    if order is not None:
        found |= {f"order.{path}": sentence for path, sentence in ORDER.check({"ref": order["ref"]}).items()}
    return found


# --- cells ------------------------------------------------------------------------------------------------------------


def clean_time(text: str, place: Place) -> str:
    """A time in UTC. Without an offset it is the shop's local time; of a time that comes twice a year, the first."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(_NO_TIME)
    parts = {name: value for name, value in found.groupdict().items() if value is not None}
    year, month, day = (int(parts.get(name) or parts[f"{name}2"]) for name in ("y", "m", "d"))
    hour, minute, second = (int(parts.get(name, 0)) for name in ("h", "min", "s"))
    if not 1970 <= year <= 2099:
        raise ValueError(_OUTSIDE)
    fraction = int(parts.get("f", "0").ljust(6, "0")[:6])
    try:
        local = datetime(year, month, day, hour, minute, second, fraction)  # noqa: DTZ001
    except ValueError:
        raise ValueError(_NO_TIME) from None
    if offset := parts.get("o"):
        utc = local.strftime("%Y-%m-%dT%H:%M:%S.%f") + _iso_offset(offset)
        ms = parse_time(utc)
    else:
        moment = local.replace(tzinfo=zone(place.shop.time_zone)).astimezone(UTC)
        ms = parse_time(moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    if ms is None:
        raise ValueError(_OUTSIDE)
    return format_time(ms)


def _iso_offset(offset: str) -> str:
    if offset in ("Z", "z", "UTC"):
        return "Z"
    return offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"


def clean_score(text: str, place: Place) -> int | str:
    """What the question may be answered with: a whole number (`5`, `5.0`), else the text as it stands."""
    found = _WHOLE.fullmatch(text)
    value = int(found[1]) if found else text.lower()
    if place.kind.bucket(value, place.question.settings) is None:
        raise ValueError(place.kind.sentence)
    return value


def clean_whole(text: str, _place: Place) -> int:
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise ValueError("Give a whole number.")
    return int(found[1])


def clean_money(text: str, _place: Place) -> str:
    """`12,5` is 12.5. Three digits behind a comma could be thousands: such an amount is left to be refused."""
    found = _COMMA_MONEY.fullmatch(text)
    return f"{found[1]}.{found[2]}" if found else text


def clean_status(text: str, _place: Place) -> str:
    """`On hold` is on-hold; accents are left out."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return re.sub(r"[\s_]+", "-", plain)


def clean_account(text: str, place: Place) -> str:
    """The platform's own name of a customer, as its orders bear it; an e-mail address only as a hash."""
    return GUEST + pseudonym(place.shop.customer_key, text) if "@" in text else text


def clean_email(text: str, place: Place) -> str:
    return pseudonym(place.shop.customer_key, text)


def clean_birthday(text: str, _place: Place) -> str:
    """`28.02.1990` is 1990-02-28; without a year 02-28."""
    found = _BIRTHDAY.fullmatch(text)
    if found is None:
        raise ValueError(_NO_BIRTHDAY)
    year, month, day = (next((found[n] for n in names if found[n]), "") for names in (
        ("y", "y2"), ("m", "m2", "m3", "m4"), ("d", "d2", "d3", "d4")))  # fmt: skip
    try:
        # A year that has a 29th of February stands in for one that is not told.
        born = datetime(int(year or 2000), int(month), int(day))  # noqa: DTZ001
    except ValueError:
        raise ValueError(_NO_BIRTHDAY) from None
    return born.strftime("%Y-%m-%d" if year else "%m-%d")


def clean_segments(text: str, _place: Place) -> list[str]:
    """`VIP, New customers` are vip and new-customers."""
    return [plain for part in re.split(r"[,;|]", text) if (plain := clean_status(part.strip(), _place))]


def clean_language(text: str, _place: Place) -> str:
    return text.replace("_", "-")


# --- events -----------------------------------------------------------------------------------------------------------


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _order_placed(values: Values, _place: Place) -> dict[str, Any]:
    customer = values.get("customer_id") or ""
    guest = customer.startswith(GUEST)
    order = _given(
        ref=values["order_id"], status=values.get("status"), customer=None if guest else customer or None,
        email=customer.removeprefix(GUEST) if guest else None, placed_at=values["placed_at"],
        completed_at=values.get("delivered_at"), currency=values.get("currency"), total=values.get("total"),
    )  # fmt: skip
    return {"type": "order.placed", "at": values["placed_at"], "order": order}


def _customer_updated(values: Values, _place: Place) -> dict[str, Any]:
    ref = values["customer_id"]
    email = ref.removeprefix(GUEST) if ref.startswith(GUEST) else values.get("email")
    customer = _given(
        ref=ref, email=email, birthday=values.get("birthday"), language=values.get("language"),
        segments=values.get("segments"),
    )  # fmt: skip
    return {"type": "customer.updated", "customer": customer}


def _order_line(values: Values, _place: Place) -> dict[str, Any]:
    line = _given(
        line=_line(values), product=values["product_id"], name=values.get("name"),
        category=values.get("category"), quantity=values.get("quantity"), price=values.get("price"),
    )  # fmt: skip
    return {
        "type": "order.updated",
        "order": {"ref": values["order_id"], "partial": True, "lines": [line]},
    }


def _line(values: Values) -> str:
    """Without a number of its own a line goes by its product."""
    return str(values.get("line") or values["product_id"])


def _rating(values: Values, place: Place) -> dict[str, Any]:
    ref, language = values.get("order_id"), values.get("language")
    return _given(
        type="answer.given", at=values["answered_at"], question=place.question.name, value=values["score"],
        text=values.get("comment"), product=values.get("product_id"),
        page=None if language is None else {"lang": language},
        order=None if ref is None else {"ref": ref, "line": None, "sku": []},
        row=_rating_row(values),
    )  # fmt: skip


def _rating_row(values: Values) -> str:
    """The number of the review, else its order (and product): then an order rates once."""
    if "review_id" in values:
        return str(values["review_id"])
    product = values.get("product_id")
    return f"order:{values['order_id']}" + (f":{product}" if product else "")


_ORDER_ID = Column(
    "order_id", "order.ref", ("order_number", "order_no", "order", "increment_id", "id_order"), True
)
_PRODUCT_NAMES = ("product", "sku", "product_sku", "lineitem_sku", "item_sku", "product_reference", "article")

KINDS: dict[str, FileKind] = {
    kind.name: kind
    for kind in (
        FileKind(
            "customers",
            (
                Column("customer_id", "customer.ref", ("customer", "id_customer", "user_id", "id"), True, clean_account),
                Column("email", "customer.email", ("customer_email", "email_address", "e_mail"), clean=clean_email),
                Column("birthday", "customer.birthday", ("birth_date", "birthdate", "date_of_birth", "dob"),
                       clean=clean_birthday),
                Column("language", "customer.language", ("lang", "locale", "language_code"), clean=clean_language),
                Column("segments", "customer.segments", ("segment", "groups", "group", "customer_group", "tags"),
                       clean=clean_segments),
            ),
            _customer_updated,
            lambda values: str(values["customer_id"]),
        ),
        FileKind(
            "orders",
            (
                _ORDER_ID,
                Column("placed_at", "order.placed_at",
                       ("order_purchase_timestamp", "order_date", "created_at", "date_created", "date_added", "date_add",
                        "purchase_date", "date", "created"),
                       True, clean_time),
                Column("customer_id", "order.customer",
                       ("customer_unique_id", "customer", "id_customer", "customer_email", "billing_email", "email"),
                       clean=clean_account),
                Column("status", "order.status",
                       ("order_status", "state", "current_state", "financial_status"), clean=clean_status),
                Column("delivered_at", "order.completed_at",
                       ("order_delivered_customer_date", "completed_at", "date_completed", "completed_date",
                        "fulfilled_at"),
                       clean=clean_time),
                Column("currency", "order.currency",
                       ("order_currency", "currency_code", "order_currency_code"),
                       clean=lambda text, _: text.upper()),
                Column("total", "order.total",
                       ("order_total", "grand_total", "total_paid", "amount"), clean=clean_money),
            ),
            _order_placed,
            lambda values: str(values["order_id"]),
        ),
        FileKind(
            "items",
            (
                _ORDER_ID,
                Column("product_id", "order.lines.0.product", _PRODUCT_NAMES, True),
                Column("line", "order.lines.0.line",
                       ("order_item_id", "line_id", "line_number", "line_item_id", "position")),
                Column("name", "order.lines.0.name",
                       ("product_name", "lineitem_name", "item_name", "title")),
                Column("category", "order.lines.0.category", ("product_category", "product_category_name", "category_name")),
                Column("quantity", "order.lines.0.quantity",
                       ("qty", "lineitem_quantity", "product_quantity", "qty_ordered"), clean=clean_whole),
                Column("price", "order.lines.0.price",
                       ("unit_price", "lineitem_price", "item_price", "product_price"), clean=clean_money),
            ),
            _order_line,
            lambda values: f"{values['order_id']}\n{_line(values)}",
        ),
        FileKind(
            "ratings",
            (
                Column("review_id", "row", ("rating_id", "id_review", "feedback_id", "id")),
                Column("order_id", "order.ref", _ORDER_ID.aliases),
                Column("score", "value", ("review_score", "rating", "stars", "review_rating", "grade", "value"), True,
                       clean_score),
                Column("answered_at", "at",
                       ("review_answer_timestamp", "review_date", "created_at", "date", "date_add", "date_added",
                        "submitted_at"),
                       True, clean_time),
                Column("comment", "text",
                       ("text", "review_comment_message", "body", "review", "review_text", "content", "review_body",
                        "message")),
                Column("product_id", "product", _PRODUCT_NAMES),
                Column("language", "page.lang", ("lang", "locale", "language_code"), clean=clean_language),
            ),
            _rating,
            _rating_row,
            (("review_id", "order_id"),),
        ),
    )
}  # fmt: skip


# --- headers ----------------------------------------------------------------------------------------------------------


class BadColumns(Exception):
    """The columns of a file, or the map of them, don't fit. The message is one sentence."""


def place_columns(
    kind: FileKind, header: Sequence[str], names: Mapping[str, str | None]
) -> tuple[dict[str, int], list[str]]:
    """Where each known column stands, and the headers that nobody reads. `names` (of --map) goes before the aliases."""
    plain = [plain_header(cell) for cell in header]
    found: dict[str, int] = {}
    for column in kind.columns:
        if column.name in names:
            wanted = [name] if (name := names[column.name]) is not None else []
        else:
            wanted = [column.name, *column.aliases]
        for name in wanted:
            places = [index for index, cell in enumerate(plain) if cell == plain_header(name)]
            if len(places) > 1:
                raise BadColumns(f'the column "{name}" stands there {len(places)} times')
            if places and places[0] not in found.values():
                found[column.name] = places[0]
                break
        else:
            if wanted and column.name in names:
                raise BadColumns(
                    f'there is no column "{names[column.name]}", which the map names for {column.name}'
                )
    _check_complete(kind, found)
    return found, [cell for index, cell in enumerate(header) if cell and index not in found.values()]


def _check_complete(kind: FileKind, found: Mapping[str, int]) -> None:
    wanted = [(column.name,) for column in kind.columns if column.required] + list(kind.one_of)
    for names in wanted:
        if not any(name in found for name in names):
            others = [alias for name in names if (column := kind.column(name)) for alias in column.aliases]
            raise BadColumns(
                f"there is no column {' or '.join(names)} (nor {', '.join(others)}); name yours with --map"
            )


def plain_header(cell: str) -> str:
    """`Order Number` and `order-number` are order_number."""
    return re.sub(r"[\W_]+", "_", cell.lower()).strip("_")


def check_map(raw: Any) -> dict[str, dict[str, str | None]]:
    """A map of columns, {"ratings": {"order_id": "Order Number", "comment": null}}. Raises BadColumns."""
    if not isinstance(raw, dict) or not all(isinstance(names, dict) for names in raw.values()):
        raise BadColumns('a map looks like {"ratings": {"order_id": "Order Number"}}')
    for name, names in raw.items():
        kind = KINDS.get(name)
        if kind is None:
            raise BadColumns(f'the map speaks of "{name}"; it may of {", ".join(KINDS)}')
        for column, header in names.items():
            if kind.column(column) is None:
                known = ", ".join(c.name for c in kind.columns)
                raise BadColumns(f'the map names "{column}" of {name}; there are {known}')
            if header is not None and not (isinstance(header, str) and header.strip()):
                raise BadColumns(f"the map gives {name}.{column} no header; null leaves the column out")
    return raw


def content_digest(*parts: str | bytes) -> bytes:
    """SHA-256 of `parts`, kept apart by their lengths."""
    made = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        made.update(len(data).to_bytes(8, "big") + data)
    return made.digest()
