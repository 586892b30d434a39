"""Everything a shop has as files: whole, safe, without personal data unless an owner asks, and never held in memory."""

import csv
import io
import json
import re
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import MetaData

from tests.pipeline.envelopes import event
from tests.web import conftest
from tests.web.conftest import CANARY, NOW, World, answer, search, signed_in
from widget_server.act import loyalty
from widget_server.contract.answer import Answer
from widget_server.contract.coupons import CouponDue, CouponTerms
from widget_server.contract.journey import Touchpoint
from widget_server.contract.points import Due
from widget_server.record import (
    accounts,
    assumptions,
    endpoints,
    invitations,
    keys,
    shops,
    touchpoints,
    views,
)
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
    assert [name for name in KINDS if not found[name]] == ["cases", "notes", "points", "coupons", "deliveries"]
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


# Where each table is exported to, or why it is not.
TABLES = {
    "answers": "answers", "events": "searches", "orders": "orders", "counters": "scores", "question_versions": "questions",
    "cases": "cases", "answer_notes": "notes", "ledger": "points", "coupons": "coupons", "customers": "customers",
    "outbox": "deliveries", "shops": "settings", "touchpoints": "settings", "rule_versions": "settings", "loyalty": "settings",
    "assumptions": "settings", "endpoints": "settings", "connections": "settings", "api_keys": "settings",
    "api_origins": "settings", "views": "settings", "members": "settings",
}  # fmt: skip
NOT_EXPORTED = {
    "accounts": "people's own, with what they prove themselves with; who is a member stands in the settings",
    "sessions": "secrets", "recovery_codes": "secrets", "invitations": "links that open the door",
    "answer_texts": "an index of the texts of answers", "answer_products": "an index of answers by product",
    "spellings": "counted from the searches",
    "ledger_given": "the sums of the points ledger", "scores_changed": "what the clock still has to look at",
    "attempts": "the log behind the deliveries, kept for days", "inbox": "what came from platforms, kept for days",
    "holds": "which endpoint is left in peace, and for how many seconds", "leases": "which process is at work",
    "set_aside": "what could not be understood; the operator's to mend", "alembic_version": "the form of the tables",
}  # fmt: skip


def test_every_table_is_exported_or_there_is_a_reason(world: World) -> None:
    tables = MetaData()
    with world.database.reading() as conn:
        tables.reflect(conn)
    found = {name for name in tables.tables if not name.startswith("answer_words")}
    assert found == {*TABLES, *NOT_EXPORTED} - ({"alembic_version"} - found)
    assert not set(TABLES) & set(NOT_EXPORTED) and all(NOT_EXPORTED.values())
    assert set(TABLES.values()) == set(KINDS)


def furnish(world: World) -> dict[str, str]:
    """The first shop has a row in every table that is exported; what of it is secret, by what it is."""
    conftest.fill(world)
    owner = signed_in(world)
    with world.database.writing() as conn:
        known = shops.by_id(conn, world.shop.id)
        assert known is not None
        touchpoints.replace(conn, world.shop.id, [Touchpoint("wrapping", "purchase", FORMULA)])
        assumptions.set_conversion(conn, world.shop.id, 300, NOW)
        key = keys.create(conn, world.shop.id, "\t" + FORMULA)
        views.save(conn, world.shop.id, None, "Sad", "value=no", NOW)
        _, link = invitations.create(conn, "a@b.example", NOW, shop=world.shop.id, role="viewer")
        accounts.turn_totp_on(conn, owner.account, "JBSWY3DPEHPK3PXP", 0, ["abcd-efgh-jkmn-pqrs"])
        secret = endpoints.rotate_secret(conn, world.shop.id, world.endpoint, NOW)
        assert secret is not None
    about = {"question": "order-rating", "key": f"order:{CANARY}"}
    assert owner.post_form("/app/answers/note", {**about, "text": "\r=1+1"}).status_code == 303
    assert owner.post_form("/app/answers/cases/change", {**about, "status": "doing", "assignee": owner.account}).status_code == 303
    line = {"line": "1", "product": "@chair", "quantity": 1, "price": "1.00"}
    placed = {"ref": "A-1", "customer": "cust-7", "total": "1.00", "currency": "EUR", "lines": [line]}
    world.send(event("order.placed", order=placed), source="platform")
    return {
        "api key": world.shop.api_key, "another key": key, "order token": world.shop.order_token_secret, "link": link,
        "endpoint": secret, "totp": "JBSWY3DPEHPK3PXP", "code": "abcd-efgh-jkmn-pqrs", "password": "argon2", "sealed": '"v1.',
        "owner": owner.email,
    }  # fmt: skip


def test_every_kind_is_there_and_no_secret_is(world: World) -> None:
    secret = furnish(world)
    email = secret.pop("owner")
    owner = signed_in(world)
    found = owner.get(PATH, what="everything", form="json", people="1").json
    assert [name for name in KINDS if not found[name]] == []
    told = json.dumps(found)
    assert {name: word for name, word in secret.items() if word in told} == {}
    assert {row["what"] for row in found["settings"]} == {
        "shop", "touchpoint", "rule", "loyalty", "assumptions", "endpoint", "connection", "api key", "origin", "view", "member",
    }  # fmt: skip
    assert [(row["status"], row["assignee"]) for row in found["cases"]] == [("doing", email)]
    assert ("note", "\n=1+1".strip(), email) in [(row["kind"], row["text"], row["by"]) for row in found["notes"]]
    assert [(row["points"], row["kind"], row["customer"]) for row in found["points"]] == [(100, "earn", CANARY)]
    assert [row["customer"] for row in found["customers"]] == ["cust-7"]
    (coupon,) = found["coupons"]
    assert coupon["code"] and coupon["customer"] == CANARY
    (bare,) = owner.get(PATH, what="coupons", form="json").json["coupons"]
    assert bare == {name: value for name, value in coupon.items() if name not in ("code", "customer")}
    for role in ("viewer", "editor"):
        assert signed_in(world, role).get(PATH, what="coupons", form="csv", people="1").status_code == 403


def test_who_is_no_owner_gets_of_addresses_only_the_host(small_world: World) -> None:
    with small_world.database.writing() as conn:
        for url in ("https://hooks.example/services/geheim", "https://hooks.example?key=geheim"):
            endpoints.create(conn, small_world.shop.id, url, ("answer.given",), NOW)
        gone = endpoints.create(conn, small_world.shop.id, "https://hooks.example/gone?key=geheim", ("answer.given",), NOW)[0]
        endpoints.delete(conn, small_world.shop.id, gone.id, NOW)
    for role in ("viewer", "editor", "owner"):
        told = signed_in(small_world, role).get(PATH, what="settings", form="json")
        urls = [row["value"]["url"] for row in told.json["settings"] if row["what"] == "endpoint"]
        assert len(urls) == 3
        assert ("geheim" in told.text) == (role == "owner")
        assert role == "owner" or set(urls) == {"https://hooks.example"}


def test_whose_birthday_or_silence_points_and_coupons_are_for_is_told_as_their_customer_is(small_world: World) -> None:
    sources = ("birthday:2026:cust-7", "silent:cust-7:A-1", "order:A-2")
    terms = CouponTerms("percent", 1000)
    with small_world.database.writing() as conn:
        due = [Due("rul_1", 1, source, "cust-7", 5, NOW, NOW, why="") for source in sources]
        granted = [CouponDue("rul_1", 1, source, "cust-7", terms, NOW, NOW, why="") for source in sources]
        loyalty.settle(conn, small_world.shop.id, due, granted, NOW)
    for kind in ("points", "coupons"):
        for role in ("viewer", "owner"):
            told = signed_in(small_world, role).get(PATH, what=kind, form="json")
            assert "cust-7" not in told.text
            assert sorted(row["source"] for row in told.json[kind]) == ["birthday:…", "order:A-2", "silent:…"]
        asked = signed_in(small_world).get(PATH, what=kind, form="json", people="1").json[kind]
        assert sorted(row["source"] for row in asked) == sorted(sources)


def test_views_that_somebody_keeps_for_themselves_are_in_nobody_elses_file(small_world: World) -> None:
    people = {role: signed_in(small_world, role) for role in ("viewer", "editor", "owner")}
    with small_world.database.writing() as conn:
        views.save(conn, small_world.shop.id, None, "shared", "value=no", NOW)
        for role, person in people.items():
            views.save(conn, small_world.shop.id, person.account, f"of the {role}", "value=yes", NOW)
    for role, person in people.items():
        rows = person.get(PATH, what="settings", form="json").json["settings"]
        found = {row["value"]["name"]: row["value"]["of"] for row in rows if row["what"] == "view"}
        assert found == {"shared": None, f"of the {role}": person.email}


def test_what_is_the_first_shops_is_in_no_file_of_the_neighbours(world: World) -> None:
    furnish(world)
    for form in ("json", "csv"):
        told = signed_in(world, shop=world.neighbour).get(PATH, what="everything", form=form, people="1").get_data()
        if form == "csv":
            with zipfile.ZipFile(io.BytesIO(told)) as opened:
                told = b"".join(opened.read(name) for name in opened.namelist())
        assert CANARY.encode() not in told and b"cust-7" not in told and world.shop.site_key.encode() not in told


def test_no_cell_of_any_file_begins_a_formula(world: World) -> None:
    furnish(world)
    owner = signed_in(world)
    guarded = 0
    for name in KINDS:
        for row in read_csv(owner.get(PATH, what=name, form="csv", people="1").get_data()):
            for cell in row.values():
                guarded += cell.startswith("'")
                assert not re.match(r"[=+@\t\r\n]|-(?![0-9.]+$)", cell), (name, row)
    assert guarded > 0


def test_all_kinds_are_of_one_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes in while the first kind is read is in none of the later ones."""
    world.send(answer("order-rating", 5))
    read, owner = _everything._answer, signed_in(world)

    def meanwhile(found: Answer) -> dict[str, Any]:
        other = threading.Thread(target=world.send, args=(search("later", 1), answer("order-rating", 1)))
        other.start()
        other.join(30)
        return read(found)

    monkeypatch.setattr(_everything, "_answer", meanwhile)
    found = owner.get(PATH, what="everything", form="json").json
    assert len(found["answers"]) == 1 and found["searches"] == []
    assert {row["n"] for row in found["scores"]} == {1}
    monkeypatch.undo()
    assert len(owner.get(PATH, what="everything", form="json").json["searches"]) == 1


def test_who_leaves_in_the_middle_ends_the_reading(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    row: dict[str, Any] = dict.fromkeys(KINDS["answers"].fields) | {"text": "a kilobyte " * 95}
    endless, ended = iter(lambda: row, None), threading.Event()

    def rows(*_: Any) -> Iterator[dict[str, Any]]:
        try:
            yield from endless
        finally:
            ended.set()

    monkeypatch.setitem(KINDS, "answers", _everything.Kind("answers", KINDS["answers"].fields, rows))
    reply = signed_in(small_world).client.get(PATH, query_string={"what": "answers", "form": "csv"}, buffered=False)
    assert len(next(reply.iter_encoded())) > 0
    reply.close()
    assert ended.wait(20)


def test_a_file_that_can_not_be_made_to_its_end_breaks_off(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(*_: Any) -> Iterator[dict[str, Any]]:
        yield dict.fromkeys(KINDS["answers"].fields)
        raise OSError("the disk is full")

    monkeypatch.setitem(KINDS, "answers", _everything.Kind("answers", KINDS["answers"].fields, rows))
    client = signed_in(small_world).client
    with pytest.raises(RuntimeError):
        client.get(PATH, query_string={"what": "answers", "form": "csv"})


def test_the_page_offers_people_to_owners_only(small_world: World) -> None:
    assert 'name="people"' in signed_in(small_world).get("/app/settings/export").text
    assert 'name="people"' not in signed_in(small_world, "editor").get("/app/settings/export").text


@pytest.mark.parametrize("path", ["/app/settings/export/file?what=orders&form=csv", "/app/searches/export?period=90"])
def test_a_file_opens_in_the_spreadsheet_of_its_language(small_world: World, path: str) -> None:
    fill(small_world)
    files = {language: signed_in(small_world, language=language).get(path).text for language in ("en", "lv")}
    heads = {language: text.splitlines()[0].removeprefix("\ufeff") for language, text in files.items()}
    assert "," in heads["en"] and heads["lv"] == heads["en"].replace(",", ";")
    if "orders" in path:
        assert ",20.00," in files["en"] and ";20,00;" in files["lv"]
