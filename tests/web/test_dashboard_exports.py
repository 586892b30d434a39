"""Everything a shop has as files: whole, safe, without personal data unless an owner asks, and never held in memory."""

import csv
import io
import json
import tracemalloc
import zipfile
from typing import Any

import pytest

from tests.pipeline.envelopes import event
from tests.web.conftest import NOW, World, answer, search, signed_in
from widget_server.web.dashboard import _everything
from widget_server.web.dashboard.exports import KINDS

PATH = "/app/settings/export/file"
KINDS_AND_FORMS = [(kind, form) for kind in (*KINDS, "everything") for form in ("csv", "json")]
FORMULA = "=HYPERLINK(1)"


def fill(world: World) -> None:
    hidden = answer("order-rating", 1, NOW + 1, text="rude", marks=["bot"])
    world.send(
        answer("search-found", "no", NOW, text=FORMULA, search={"query": "-kettle"}, page={"lang": "lv"}),
        answer("order-rating", 5, NOW + 2, order={"ref": "A-1", "line": None, "sku": []}), hidden,
        search("-kettle", 0), search("lamp", 3), event("result.clicked", search={"query": "lamp", "position": 2}),
        event("question.shown", NOW, question="search-found", answer="0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d"),
    )  # fmt: skip
    lines = [{"line": "1", "product": "@chair", "quantity": 2, "price": "-4.50"}]
    placed = {"ref": "A-1", "customer": "cust-7", "total": "20.00", "refunded": "0.50", "currency": "EUR", "lines": lines}
    guest = {"ref": "A-2", "email": "f" * 32, "total": "1500", "currency": "JPY", "status": "completed"}
    world.send(event("order.placed", order=placed), event("order.placed", order=guest), source="platform")


def read_csv(body: bytes) -> list[dict[str, str]]:
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_answers_as_csv(world: World) -> None:
    fill(world)
    reply = signed_in(world, "viewer").get(PATH, what="answers", form="csv")
    assert (reply.status_code, reply.mimetype) == (200, "text/csv")
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="atbalss-answers-20')
    rating, found, hidden = read_csv(reply.get_data())
    assert (rating["question"], rating["value"], rating["verified"], rating["order"]) == ("order-rating", "5", "true", "A-1")
    assert (found["value"], found["text"], found["query"], found["lang"]) == ("no", "'" + FORMULA, "'-kettle", "lv")
    assert (hidden["text"], hidden["quarantined"]) == ("rude", "bot")


def test_orders_name_nobody_unless_an_owner_asks(world: World) -> None:
    fill(world)
    first, second = read_csv(signed_in(world, "editor").get(PATH, what="orders", form="csv").get_data())
    assert "customer" not in first
    assert (first["total"], first["refunded"], first["currency"], first["state"]) == ("20.00", "0.50", "EUR", "open")
    assert json.loads(first["lines"]) == [{"line": "1", "product": "@chair", "quantity": 2, "price": "-4.50"}]
    assert (second["total"], second["state"]) == ("1500", "completed")
    for role in ("viewer", "editor"):
        assert signed_in(world, role).get(PATH, what="orders", form="csv", people="1").status_code == 403
        assert signed_in(world, role).get(PATH, what="everything", form="json", people="1").status_code == 403
    told = signed_in(world).get(PATH, what="orders", form="json", people="1").json["orders"]
    assert [order["customer"] for order in told] == ["cust-7", "e:" + "f" * 32]


@pytest.mark.parametrize("people", ["", "1"])
def test_everything_as_json_is_one_document(world: World, people: str) -> None:
    fill(world)
    found = signed_in(world).get(PATH, what="everything", form="json", people=people).json
    assert list(found) == ["shop", "site_key", "exported_at", *KINDS]
    assert found["site_key"] == world.shop.site_key
    assert {name: len(found[name]) for name in ("answers", "searches", "orders")} == {"answers": 3, "searches": 3, "orders": 2}
    assert found["answers"][1]["text"] == FORMULA
    assert found["orders"][0]["total"] == "20.00"
    assert sorted(each["type"] for each in found["searches"]) == ["result.clicked", "search.performed", "search.performed"]
    assert {each["question"] for each in found["questions"]} == {"search-found", "order-rating"}
    assert found["questions"][0]["texts"]["lv"]
    for name, kind in KINDS.items():
        assert all(tuple(row) == kind.columns(people == "1") for row in found[name])
        assert found[name]
    assert ("cust-7" in json.dumps(found)) == (people == "1")


def test_scores_are_those_of_the_api(world: World) -> None:
    fill(world)
    found = signed_in(world).get(PATH, what="scores", form="json").json["scores"]
    (stars,) = (each for each in found if (each["metric"], each["trust"]) == ("stars", "all"))
    api = world.get("/v1/scores", metric="stars", question="order-rating", by="month").json["rows"][0]
    assert (stars["month"], stars["value"], stars["n"], [stars["low"], stars["high"]]) == (
        api["key"], api["value"], api["n"], api["interval"],
    )  # fmt: skip


def test_everything_as_csv_is_a_zip_of_the_files(world: World) -> None:
    fill(world)
    person = signed_in(world)
    reply = person.get(PATH, what="everything", form="csv")
    assert reply.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(reply.get_data())) as found:
        assert found.testzip() is None
        assert found.namelist() == [f"{name}.csv" for name in KINDS]
        for name in KINDS:
            assert found.read(f"{name}.csv") == person.get(PATH, what=name, form="csv").get_data()


@pytest.mark.parametrize(("kind", "form"), KINDS_AND_FORMS)
def test_an_empty_shop_has_whole_files_too_and_nobody_elses_rows(small_world: World, kind: str, form: str) -> None:
    fill(small_world)
    body = signed_in(small_world, shop=small_world.neighbour).get(PATH, what=kind, form=form, people="1").get_data()
    assert not any(word in body for word in (b"kettle", b"A-1", b"cust-7", b"rude"))
    if form == "json":
        json.loads(body)


@pytest.mark.parametrize("query", [{}, {"what": "answers"}, {"what": "answers", "form": "xml"}, {"what": "accounts", "form": "csv"}])
def test_there_are_no_other_files(small_world: World, query: dict[str, str]) -> None:
    assert signed_in(small_world).get(PATH, **query).status_code == 404


def test_pages_meet_without_a_gap_or_a_double(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_everything, "_PAGE", 3)
    monkeypatch.setattr(_everything, "_EVENTS", 4)
    world.send(
        *(answer("order-rating", 5, NOW, text=str(n)) for n in range(7)), *(answer("order-rating", 5, NOW, marks=["bot"]) for n in range(4)),
        *(search(f"word {n}") for n in range(6)),
    )  # fmt: skip
    world.send(*(event("order.placed", order={"ref": f"r{n}", "total": "1.00"}) for n in range(6)), source="platform")
    found = signed_in(world).get(PATH, what="everything", form="json").json
    assert len(found["answers"]) == len({each["key"] for each in found["answers"]}) == 11
    assert sorted(each["query"] for each in found["searches"]) == [f"word {n}" for n in range(6)]
    assert [each["order"] for each in found["orders"]] == [f"r{n}" for n in range(6)]


def test_a_long_file_is_never_held_in_memory(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty thousand answers of a kilobyte each, made up as they are read: some forty megabytes pass through a few."""
    row: dict[str, Any] = dict.fromkeys(KINDS["answers"].fields) | {"text": "a kilobyte " * 95}
    monkeypatch.setitem(KINDS, "answers", _everything.Kind("answers", KINDS["answers"].fields, lambda *_: (row for _ in range(40_000))))
    client = signed_in(small_world).client
    for what, form in (("answers", "csv"), ("answers", "json"), ("everything", "csv")):
        tracemalloc.start()
        reply = client.get(PATH, query_string={"what": what, "form": form}, buffered=False)
        size = sum(len(piece) for piece in reply.iter_encoded())
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert size > (40_000_000 if what == "answers" else 10_000)
        assert most < 6_000_000


def test_the_page_offers_people_to_owners_only(small_world: World) -> None:
    assert 'name="people"' in signed_in(small_world).get("/app/settings/export").text
    assert 'name="people"' not in signed_in(small_world, "editor").get("/app/settings/export").text
