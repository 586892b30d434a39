"""Reading files to import: what is taken, what is refused and why, and what names a row for ever."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import SECRET_KEY
from tests.servers import ValkeyServer
from widget_server.act.pipeline import process
from widget_server.contract.shop import Question, Shop
from widget_server.intake.columns import KINDS, BadColumns, Place, check_map, clean_time, place_columns
from widget_server.intake.csvfile import CannotRead, CsvFile
from widget_server.intake.imports import BATCH, FileImport, event_id, is_import_id, place_of, same_content
from widget_server.intake.stream import append_sync
from widget_server.record import shops
from widget_server.record.db import Database
from widget_server.run.cli import group
from widget_server.run.commands import importing
from widget_server.run.commands.importing import Feed
from widget_server.run.config import load
from widget_server.run.house import House

STARTED = 1_763_800_000_000
Make = Callable[..., FileImport]


@pytest.fixture
def shop(sqlite_database: Database) -> Shop:
    with sqlite_database.writing() as conn:
        made = shops.create(conn, "Tests", "shop.example", "Europe/Riga")
        found = shops.by_id(conn, made.id)
    assert found is not None
    return found


@pytest.fixture
def place(shop: Shop) -> Place:
    return place_of(shop)


@pytest.fixture
def read(tmp_path: Path, place: Place, sqlite_database: Database) -> Callable[..., Any]:
    """Read a file of this content; the tally and the events."""

    def act(
        content: bytes | str, kind: str = "ratings", names: dict[str, str | None] | None = None,
        count: bool = False, started: int = STARTED,
    ) -> tuple[FileImport, list[dict[str, Any]]]:  # fmt: skip
        path = tmp_path / "file.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = []
        with FileImport(kind, path, place, started, names) as file:
            for batch in file.batches(sqlite_database):
                found.extend(json.loads(body)["event"] for body in batch)
                if count:
                    process(sqlite_database, batch)
        return file, found

    return act


def refused(file: FileImport) -> list[tuple[int, dict[str, str]]]:
    return [(refusal.row, dict(refusal.errors)) for refusal in file.tally.refusals]


# --- what a row becomes -----------------------------------------------------------------------------------------------


def test_a_rating_becomes_a_verified_answer_with_its_order(read: Any) -> None:
    file, (event,) = read(
        "review_id,order_id,score,answered_at,comment,language\n"
        'r1,o1,5,2017-12-20T21:03:00Z,"Labs, ātrs\nun lēts",lv_LV\n'
    )
    assert {name: event[name] for name in event if name != "id"} == {
        "type": "answer.given", "at": 1_513_803_780_000, "revision": STARTED, "question": "order-rating", "value": 5,
        "text": "Labs, ātrs\nun lēts", "page": {"lang": "lv-LV"}, "row": "r1",
        "order": {"ref": "o1", "line": None, "sku": []},
    }  # fmt: skip
    assert uuid.UUID(event["id"]).variant == uuid.RFC_4122
    assert (file.tally.new, file.tally.refused) == (1, 0)


def test_an_order_is_kept_without_the_customers_name(read: Any) -> None:
    _, (event,) = read(
        "Order Number;Created at;Email;Financial Status;Currency;Total\n"
        "1001;2026-11-22 10:00:00;Anna@Example.com;On Hold;eur;12,5\n",
        "orders",
    )
    email = event["order"].pop("email")
    assert len(email) == 32 and "anna" not in email.lower()
    assert event["order"] == {
        "ref": "1001", "status": "on-hold", "placed_at": "2026-11-22T08:00:00.000Z", "currency": "EUR", "total": "12.5",
    }  # fmt: skip
    assert (event["type"], event["at"]) == ("order.placed", 1_795_334_400_000)


def test_orders_and_customers_name_a_customer_alike_as_the_platform_does(read: Any) -> None:
    _, orders = read("order_id,placed_at,customer_id\n1,2026-11-22 10:00,C7\n2,2026-11-22 10:00,Anna@Example.com\n", "orders")
    _, customers = read("customer_id,segments\nC7,vip\nanna@example.com,b2b\n", "customers")
    assert orders[0]["order"]["customer"] == customers[0]["customer"]["ref"] == "C7"
    assert "e:" + orders[1]["order"]["email"] == customers[1]["customer"]["ref"]


def test_a_customer_is_kept_without_the_address(read: Any) -> None:
    _, events = read(
        "Customer;Email;Date of birth;Lang;Groups\n"
        '15;Anna@Example.com;28.02.1990;lv_LV;"VIP, New Customers"\n'
        "anna@example.com;;29.02.;;\n",
        "customers",
    )
    hashed = events[0]["customer"].pop("email")
    assert len(hashed) == 32 and "anna" not in hashed.lower()
    assert events[0]["customer"] == {
        "ref": "15", "birthday": "1990-02-28", "language": "lv-LV", "segments": ["vip", "new-customers"],
    }  # fmt: skip
    assert events[1]["customer"] == {"ref": f"e:{hashed}", "email": hashed, "birthday": "02-29"}
    assert {(event["type"], event["at"], event["revision"]) for event in events} == {("customer.updated", STARTED, STARTED)}


def test_a_customer_of_a_file_read_again_is_unchanged_and_a_corrected_one_edits(read: Any) -> None:
    read("customer_id,birthday\n1,1990-02-28\n2,03-03\n", "customers", count=True)
    again, events = read("customer_id,birthday\n1,1990-02-28\n2,04-04\n", "customers", started=STARTED + 5)
    assert (again.tally.unchanged, again.tally.corrected, again.tally.new) == (1, 1, 0)
    assert [event["customer"]["birthday"] for event in events] == ["04-04"]


@pytest.mark.parametrize("birthday", ["30.02.1990", "02-30", "1990-13-01", "28/02/1990", "yesterday", "0001-02-03"])
def test_what_is_no_birthday_is_refused(read: Any, birthday: str) -> None:
    file, events = read(f"customer_id,birthday\n1,{birthday}\n", "customers")
    assert events == []
    assert [set(errors) for _, errors in refused(file)] == [{"birthday"}]


def test_segments_that_are_no_names_are_refused_under_their_column(read: Any) -> None:
    file, _ = read('customer_id,groups\n1,"ok, -"\n2,fine\n', "customers")
    assert refused(file) == [(2, {"groups": "Give a name of 1 to 64 characters a-z, 0-9, '-', '_' and '.'."})]


def test_a_line_adds_to_its_order_and_goes_by_its_product_when_it_has_no_number(read: Any) -> None:
    _, events = read("order_id\tsku\tprice\to1\n".replace("\to1", "") + "o1\tA\t9.90\no1\tB\t\n", "items")
    assert [event["order"] for event in events] == [
        {"ref": "o1", "partial": True, "lines": [{"line": "A", "product": "A", "price": "9.90"}]},
        {"ref": "o1", "partial": True, "lines": [{"line": "B", "product": "B"}]},
    ]
    assert {event["type"] for event in events} == {"order.updated"}


def test_without_a_review_number_an_order_rates_once(read: Any) -> None:
    _, events = read("order,rating,date\no1,4.0,2026-11-22\n")
    assert (events[0]["row"], events[0]["value"]) == ("order:o1", 4)


# --- what is refused --------------------------------------------------------------------------------------------------

HEADER = "review_id,order_id,score,answered_at,comment"


@pytest.mark.parametrize(
    ("row", "errors"),
    [
        ("r1,o1,6,2026-01-01,", {"score": "Give a whole number from 1 to 5."}),
        ("r1,o1,4.5,2026-01-01,", {"score": "Give a whole number from 1 to 5."}),
        ("r1,o1,yes,2026-01-01,", {"score": "Give a whole number from 1 to 5."}),
        ("r1,o1,99999999999999999999,2026-01-01,", {"score": "Give a whole number from 1 to 5."}),
        ("r1,o1,,2026-01-01,", {"score": "Required."}),
        (",o1,5,2026-01-01,", {"review_id": "Required."}),
        ("r1, ,5,2026-01-01,", {"order_id": "Required."}),
        ("r1,o1,5,,", {"answered_at": "Required."}),
        ("r1,o1,5,1969-12-31,", {"answered_at": "Give a time from 1970 to 2099."}),
        ("r1,o1,5,2026-01-01", {"row": "It has not as many cells as the header, which has 5."}),
        ("r1,o1,5,2026-01-01,,x", {"row": "It has not as many cells as the header, which has 5."}),
        ("r1,o1,5,2026-01-01,a\0b", {"comment": "It has a NUL character in it."}),
        (b"r1,o1,5,2026-01-01,a\xe9b", {"comment": "It is not UTF-8; save the file as CSV UTF-8."}),
        ("r1,o1,5,2026-01-01," + "x" * 2001, {"comment": "Give text of 1 to 2000 characters."}),
        ("r" * 300 + ",o1,5,2026-01-01,", {"review_id": "Give text of 1 to 290 characters, without control characters."}),
        ("r1," + "o" * 129 + ",5,2026-01-01,", {"order_id": "Give text of 1 to 128 characters, without control characters."}),
        ('r1,o1,5,2026-01-01,"a"b', {"row": "Its quotation marks don't fit together."}),
        ("r1,o1,5,2026-01-01," + "x" * 200_000, {"row": "A cell is too long; is a quotation mark not closed?"}),
        ("r1,o1,5,2026-01-01," + "x" * 2_000_000, {"row": "A line has more than 1048576 characters."}),
        ("r1,o1,0,2026-13-01,", {"score": "Give a whole number from 1 to 5."}),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_a_bad_row_is_refused_with_its_place_and_the_others_count(
    read: Any, row: str | bytes, errors: dict[str, str]
) -> None:
    bad = row if isinstance(row, bytes) else row.encode()
    lines = [HEADER.encode(), b"r0,o0,4,2026-01-01,", b"", bad, b"r9,o9,4,2026-01-01,fine"]
    file, events = read(b"\n".join(lines) + b"\n")
    ((number, found),) = refused(file)
    assert errors.items() <= found.items()
    assert number == 4, "as a spreadsheet counts: the header is row 1, an empty row is one too"
    assert [event["row"] for event in events] == ["r0", "r9"]
    assert (file.tally.rows, file.tally.accepted) == (3, 2)


def test_a_quotation_mark_that_is_never_closed_is_told(read: Any) -> None:
    file, events = read(f'{HEADER}\nr1,o1,5,2026-01-01,fine\nr2,o2,5,2026-01-01,"never closed\n')
    assert refused(file) == [(3, {"row": "Its quotation marks don't fit together."})]
    assert len(events) == 1


def test_refusals_name_the_column_as_the_file_does_and_are_counted_beyond_those_shown(read: Any) -> None:
    file, events = read("Order Number,Stars,Date\n" + "".join(f"{n},9,2026-01-01\n" for n in range(50)))
    assert events == []
    assert len(file.tally.refusals) == 20
    assert file.tally.reasons == {("Stars", "Give a whole number from 1 to 5."): 50}


@pytest.mark.parametrize(
    ("kind", "row", "column"),
    [
        ("orders", "o1,2026-01-01,Доставлено,EUR,1.00", "status"),
        ("orders", "o1,2026-01-01,paid,EURO,1.00", "currency"),
        ("orders", "o1,2026-01-01,paid,EUR,\"1,234\"", "total"),
        ("orders", "o1,yesterday,paid,EUR,1.00", "placed_at"),
    ],
)  # fmt: skip
def test_an_order_that_the_contract_does_not_know_is_refused(
    read: Any, kind: str, row: str, column: str
) -> None:
    file, events = read(f"order_id,placed_at,status,currency,total\n{row}\n", kind)
    assert [list(errors) for _, errors in refused(file)] == [[column]]
    assert events == []


def test_a_row_named_twice_counts_once_and_one_that_says_otherwise_is_refused(read: Any) -> None:
    file, events = read(
        "order_id,placed_at,status,total\n"
        "1,2026-01-01,paid,9.00\n"
        "1,2026-01-01,,\n"  # as in exports with a row for each item: nothing new
        "1,2026-01-01,paid,9.00\n"
        "1,2026-01-01,sent,9.00\n",
        "orders",
    )
    assert [event["order"]["status"] for event in events] == ["paid"]
    assert (file.tally.repeated, file.tally.refused) == (2, 1)
    assert refused(file) == [(5, {"row": "An earlier row of the same id says otherwise; that one counts."})]


# --- files and headers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_delimiter_bom_and_line_end_reads_alike(
    tmp_path: Path, delimiter: str, bom: bytes, end: str
) -> None:
    rows = [["a", 'b,";\tc'], ["1", "two"], ["ā", ""]]
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in rows]
    text = end.join(delimiter.join(row) for row in quoted)
    (tmp_path / "f").write_bytes(bom + text.encode())
    file = CsvFile(tmp_path / "f")
    assert file.header == rows[0]
    assert [row.cells for row in file.rows()] == rows[1:]
    file.close()


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        file = CsvFile(path)
    except CannotRead as error:
        assert str(path) in str(error)
        return
    assert all(row.problem or len(row.cells) == len(file.header) for row in file.rows())
    file.close()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        ("order_id,score\n".encode("utf-16"), "is UTF-16"),
        (b"order_id,score\n1,2\n", "no column answered_at"),
        (b"score,answered_at\n1,2026-01-01\n", "no column review_id or order_id"),
        (b"order_id,order_id,score,answered_at\n", '"order_id" stands there 2 times'),
        (b'"order_id\n', "no CSV file"),
    ],
)
def test_a_file_without_its_columns_is_refused_as_a_whole(read: Any, content: bytes, sentence: str) -> None:
    with pytest.raises(CannotRead, match=sentence):
        read(content)


def test_a_map_names_columns_and_leaves_others_out(read: Any) -> None:
    names = {"order_id": "Номер", "score": "Оценка", "answered_at": "Дата", "comment": None}
    file, (event,) = read("sep=;\nНомер;Оценка;Дата;Text\n7;3;22.11.2026 9:05;secret\n", names=names)
    assert (event["order"]["ref"], event["value"], event["at"]) == ("7", 3, 1_795_331_100_000)
    assert "text" not in event
    assert file.unused == ["Text"]
    with pytest.raises(CannotRead, match='no column "Cena", which the map names for score'):
        read("order_id,score,answered_at\n", names={"score": "Cena"})


@pytest.mark.parametrize(
    "wrong", [[], {"rating": {}}, {"ratings": []}, {"ratings": {"stars": "x"}}, {"ratings": {"score": 5}}]
)
def test_a_map_that_nobody_understands_is_refused(wrong: Any) -> None:
    with pytest.raises(BadColumns):
        check_map(wrong)


def test_every_alias_leads_to_one_column_only() -> None:
    for kind in KINDS.values():
        names = [name for column in kind.columns for name in (column.name, *column.aliases)]
        assert len(names) == len(set(names)), kind.name
        for column in kind.columns:
            for alias in column.aliases:
                others = [c.name for c in kind.columns if c is not column]
                found, unused = place_columns(kind, [alias.replace("_", " ").title(), *others], {})
                assert (found[column.name], unused) == (0, [])


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22T10:00:00.25+02:00", "2026-11-22T08:00:00.250Z"),
        ("2026-11-22 10:00:00 +0200", "2026-11-22T08:00:00.000Z"),
        ("2026-11-22 10:00:00 UTC", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22 10:00:00", "2026-11-22T08:00:00.000Z"),
        ("2026-07-22 10:00", "2026-07-22T07:00:00.000Z"),
        ("22.11.2026 10:00", "2026-11-22T08:00:00.000Z"),
        ("2.1.2026", "2026-01-01T22:00:00.000Z"),
        ("2026-11-22", "2026-11-21T22:00:00.000Z"),
        ("2026-10-25 03:30", "2026-10-25T00:30:00.000Z"),  # comes twice: the first
    ],
)
def test_times_without_an_offset_are_the_shops(place: Place, text: str, utc: str) -> None:
    assert clean_time(text, place) == utc


@pytest.mark.parametrize(
    "text",
    ["11/22/2026", "2026-02-30", "2026-11-22 25:00", "22.11.26", "1700000000", "2026-11-22T10:00:00+99:99",
     "2026-11-22T10:00:00Z ", "2026-11-22\n", "٢٠٢٦-11-22", "3026-11-22T10:00:00Z", "0001-01-01"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_a_sentence(place: Place, text: str) -> None:
    with pytest.raises(ValueError, match=r"^Give a time .*\.$"):
        clean_time(text, place)


# --- ids, repeats and corrections -------------------------------------------------------------------------------------


def test_ids_tell_rows_contents_and_what_they_follow_apart() -> None:
    made = {
        event_id(shop, kind, row, content, before)
        for shop in ("s1", "s2")
        for kind in ("orders", "items")
        for row in ("a", "b")
        for content in (b"1", b"2")
        for before in (None, event_id("s1", "orders", "a", b"1", None))
    }
    assert len(made) == 32 and all(is_import_id(each) for each in made)
    assert event_id("s1", "orders", "a", b"1", None) == event_id("s1", "orders", "a", b"1", None)
    first, second = event_id("s1", "orders", "a", b"1", None), event_id("s1", "orders", "a", b"1", "x")
    assert first != second and same_content(first, second)
    assert not same_content(first, event_id("s1", "orders", "a", b"2", None))
    assert not is_import_id(str(uuid.uuid4())) and not is_import_id(str(uuid.uuid5(uuid.NAMESPACE_URL, "x")))


def test_a_correction_wins_even_when_the_clock_was_set_back(read: Any) -> None:
    text = "order_id,placed_at,status\n1,2026-01-01,{}\n2,2026-01-01,new\n"
    read(text.format("new"), "orders", count=True)
    file, (event,) = read(text.format("paid"), "orders", count=True, started=STARTED - 86_400_000)
    assert (file.tally.corrected, file.tally.unchanged) == (1, 1)
    assert event["revision"] > STARTED
    again, events = read(text.format("paid"), "orders", started=STARTED - 86_400_000)
    assert (again.tally.unchanged, events) == (2, [])


def test_a_line_may_change_its_product_and_change_back(read: Any) -> None:
    text = "order_id,line,product_id\no,1,{}\no,2,B\n"
    for product in ("A", "C", "A", "C"):
        file, events = read(text.format(product), "items", count=True)
        assert file.tally.new + file.tally.corrected == len(events)
        assert (file.tally.unchanged, events[0]["order"]["lines"][0]["product"]) in ((0, "A"), (1, product))
    assert read(text.format("C"), "items")[0].tally.unchanged == 2


def test_a_large_file_is_read_batch_by_batch(read: Any) -> None:
    rows = "".join(f"{n},5,2026-01-01\n" for n in range(2 * BATCH + 1))
    file, events = read(f"order_id,score,answered_at\n{rows}", count=True)
    assert (file.tally.new, len({event["id"] for event in events})) == (2 * BATCH + 1, 2 * BATCH + 1)


def test_a_shop_that_no_longer_asks_about_orders_is_told(shop: Shop) -> None:
    other = Shop(
        "s",
        "Silent",
        "pk_s",
        (),
        "UTC",
        "x",
        {"search-found": (Question("search-found", 1, "yes_no", "search"),)},
    )
    with pytest.raises(CannotRead, match="no question order-rating"):
        place_of(other)
    assert place_of(shop).question.name == "order-rating"


# --- the command ------------------------------------------------------------------------------------------------------

GOOD = "order_id,score,answered_at,channel\n1,5,2026-01-01,web\n"


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, shop: Shop
) -> Callable[..., Result]:
    """`atbalss import --shop ... --ratings FILE ...`, nothing else running."""
    for name, value in (("DATABASE_URL", sqlite_url), ("REDIS_URL", redis_url), ("SECRET_KEY", SECRET_KEY)):
        monkeypatch.setenv(f"ATBALSS_{name}", value)

    def act(content: str, *words: str, site_key: str = shop.site_key) -> Result:
        (tmp_path / "ratings.csv").write_text(content)
        arguments = ["--data-dir", str(tmp_path / "data"), "import", "--shop", site_key, *words]
        return CliRunner().invoke(group(), [*arguments, "--ratings", str(tmp_path / "ratings.csv")])

    return act


def test_the_summary_says_what_was_refused_and_why(command: Callable[..., Result]) -> None:
    bad = "".join(f"x{n},9,2026-01-01,web\n" for n in range(25))
    done = command(GOOD + "2,5,soon,web\n" + bad)
    assert done.exit_code == 0
    assert "ratings: 27 rows, 1 new, 26 refused\n  columns left out: channel\n" in done.stdout
    assert "  refused row 3, answered_at: Give a time like " in done.stdout
    assert "  ... and 6 more. By reason:\n  25 x score: Give a whole number from 1 to 5.\n" in done.stdout
    assert "1 events counted in " in done.stdout
    told = json.loads(command(GOOD + bad, "--json").stdout)
    (file,) = told["files"]
    assert (file["unchanged"], file["refused"], len(file["refusals"])) == (1, 25, 20)
    assert file["refusals"][0] == {
        "row": 3,
        "line": 3,
        "errors": {"score": "Give a whole number from 1 to 5."},
    }
    assert file["reasons"] == [{"column": "score", "message": "Give a whole number from 1 to 5.", "rows": 25}]


def test_exit_1_when_nothing_could_be_taken(command: Callable[..., Result], tmp_path: Path) -> None:
    nothing = command("order_id,score,answered_at\n1,9,2026-01-01\n")
    assert nothing.exit_code == 1 and "1 refused" in nothing.stdout
    assert command("order_id,score,answered_at\n").exit_code == 0, "nothing was refused either"
    (tmp_path / "map.json").write_text('{"ratings": {"score": "Cena"}}')
    (tmp_path / "bad.json").write_text("{")
    for words, sentence in (
        (("--map", str(tmp_path / "map.json")), 'there is no column "Cena", which the map names for score.'),
        (("--map", str(tmp_path / "bad.json")), "is no JSON that can be read"),
        (("--orders", str(tmp_path / "ratings.csv")), "there is no column placed_at"),
    ):
        done = command(GOOD, *words)
        assert (done.exit_code, done.stdout) == (1, "")
        assert sentence in done.stderr
    unknown = command(GOOD, site_key="pk_nobody")
    assert (unknown.exit_code, unknown.stderr) == (
        1,
        "Error: There is no shop pk_nobody; see `atbalss shop list`.\n",
    )


def test_without_a_file_there_is_nothing_to_do(tmp_path: Path) -> None:
    done = CliRunner().invoke(group(), ["--data-dir", str(tmp_path / "d"), "import", "--shop", "pk_x"])
    assert done.exit_code == 2 and "at least one of --customers, --orders" in done.stderr


def test_no_wait_leaves_the_counting_to_the_workers(
    command: Callable[..., Result], valkey: ValkeyServer
) -> None:
    done = command(GOOD, "--no-wait")
    assert "1 events stored in " in done.stdout
    with valkey.client() as client:
        assert client.xlen("atbalss:intake") == 1
    again = command(GOOD.replace(",5,", ",4,"), "--json")
    assert json.loads(again.stdout)["files"][0]["corrected"] == 1, "what waited was counted first"
    with valkey.client() as client:
        assert client.xlen("atbalss:intake") == 0


def test_a_redis_that_is_away_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, command: Callable[..., Result]
) -> None:
    left = [redis.ConnectionError("away"), redis.TimeoutError("away")]

    def append(client: redis.Redis, envelopes: list[bytes], limit: int) -> int:
        if left:
            raise left.pop()
        return append_sync(client, envelopes, limit)

    monkeypatch.setattr(importing, "append_sync", append)
    monkeypatch.setattr(importing, "_AWAY_PAUSE", 0)
    assert "1 new, 0 refused" in command(GOOD).stdout
    left.extend([redis.ConnectionError("gone")] * 2)
    monkeypatch.setattr(importing, "_PATIENCE", -1)
    done = command(GOOD.replace(",5,", ",4,"))
    assert done.exit_code == 1
    assert "Redis can't be used (gone); import the same files again to go on." in done.stderr


# --- back-pressure ----------------------------------------------------------------------------------------------------


def test_an_import_never_runs_far_ahead_of_whoever_counts(
    read: Any, shop: Shop, tmp_path: Path, sqlite_database: Database, valkey: ValkeyServer, redis_url: str
) -> None:
    environ = {"ATBALSS_REDIS_URL": redis_url, "ATBALSS_SECRET_KEY": "k" * 32, "ATBALSS_STREAM_LIMIT": "100"}
    settings = load(environ, tmp_path / "data")
    rows = "".join(f"{n},5,2026-01-01\n" for n in range(1000))
    _, events = read(f"order_id,score,answered_at\n{rows}")
    bodies = [
        json.dumps({"shop": shop.id, "source": "import", "received": STARTED, "event": event}).encode()
        for event in events
    ]
    with valkey.client() as client:
        feed = Feed(House(settings, sqlite_database, client))
        longest = 0
        for start in range(0, 1000, 50):
            feed.put(bodies[start : start + 50])
            longest = max(longest, client.xlen("atbalss:intake"))
        assert 100 <= longest <= 150
        append_sync(client, bodies[:10], 1000)
        feed.finish()
        assert client.xlen("atbalss:intake") == 0
    with sqlite_database.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM answers").scalar() == 1000
