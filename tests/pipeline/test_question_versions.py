"""A question changes while shoppers answer: what is asked is soon the new one, and each answer counts by what was shown."""

import json
import uuid
from typing import Any

from tests.pipeline.envelopes import NOW, envelope
from tests.pipeline.envelopes import event as counted
from tests.pipeline.shopfront import Reply, Shopfront, event
from tests.servers import wait_for
from widget_server.act.pipeline import process
from widget_server.act.verify import rebuild, verify
from widget_server.contract import saving
from widget_server.contract.metrics import metrics
from widget_server.contract.shop import Question
from widget_server.record import counters, questions, shops
from widget_server.record.db import Database

WHY = Question(
    "why", 1, "choices", "order", settings={"options": ["price", "range", "advice"]},
    texts={"lv": {"title": "Kāpēc?", "option.price": "Cena", "option.range": "Izvēle", "option.advice": "Padoms"}},
)  # fmt: skip
NEW_OPTIONS = {"settings": {"options": ["cheap", "range"]}, "texts": {"lv": {"option.cheap": "Lēti"}}}


def change(database: Database, shop: str, name: str, changes: dict[str, Any]) -> None:
    with database.writing() as conn:
        assert questions.change(conn, shop, name, lambda old: saving.changed(old, changes)) is not None


def chosen(database: Database, shop: str, name: str) -> dict[str, int]:
    with database.reading() as conn:
        found = metrics()["top_option"].read(counters.total(conn, counters.Slice(shop, (name,))))
    return {option: n for option, n in found.distribution.items() if n}


def test_a_renamed_and_a_removed_option_count_by_the_version_that_was_shown(database: Database) -> None:
    with database.writing() as conn:
        shop = shops.create(conn, "Tests", "shop.example").id
        questions.create(conn, shop, saving.completed(WHY))

    def tell(version: int, *values: list[str]) -> None:
        given = [
            counted("answer.given", NOW, question="why", question_version=version, answer=str(uuid.uuid4()), value=value)
            for value in values
        ]
        process(database, [envelope(shop, each) for each in given])

    tell(1, ["price"], ["advice", "range"])
    change(database, shop, "why", NEW_OPTIONS)
    # A panel that was open when the owner changed it, and those that came after.
    tell(1, ["price", "range"], ["advice"])
    tell(2, ["cheap"], ["cheap", "range"])
    assert chosen(database, shop, "why") == {"price": 2, "advice": 2, "range": 3, "cheap": 2}
    # What version 2 doesn't have is an answer, and counts for no option of it.
    tell(2, ["price"])
    assert chosen(database, shop, "why") == {"price": 2, "advice": 2, "range": 3, "cheap": 2}
    with database.reading() as conn:
        assert counters.total(conn, counters.Slice(shop, ("why",))).answers == {"": 7}
    assert list(verify(database)) == []
    rebuild(database)
    assert chosen(database, shop, "why") == {"price": 2, "advice": 2, "range": 3, "cheap": 2}


def test_answers_to_a_deleted_question_stay_and_late_ones_are_taken(database: Database) -> None:
    with database.writing() as conn:
        shop = shops.create(conn, "Tests", "shop.example").id
    late = [counted("answer.given", NOW, question="order-rating", question_version=1, answer=str(uuid.uuid4()), value=n) for n in (5, 3)]
    process(database, [envelope(shop, late[0])])
    with database.writing() as conn:
        questions.delete(conn, shop, "order-rating")
    process(database, [envelope(shop, late[1])])
    with database.reading() as conn:
        counts = counters.total(conn, counters.Slice(shop, ("order-rating",)))
    assert metrics()["stars"].read(counts).value == 4.0
    assert list(verify(database)) == []


def owner(front: Shopfront, method: str, path: str, body: Any = None) -> Reply:
    raw = None if body is None else json.dumps(body).encode()
    return front.call(method, path, raw, authorization=f"Bearer {front.shop.api_key}", content_type="application/json")


def asked(front: Shopfront, query: str = "", **headers: str) -> Reply:
    return front.call("GET", f"{front.path}/ask?lang=lv{query}", **headers)


def names(front: Shopfront, query: str = "") -> list[str]:
    return [question["question"] for question in asked(front, query).json["questions"]]


def test_what_an_owner_does_by_the_api_is_asked_soon(front: Shopfront) -> None:
    first = asked(front)
    tag = first.headers["etag"]
    assert asked(front, if_none_match=tag).status == 304
    made = owner(front, "PATCH", "/v1/questions/search-found", {"texts": {"lv": {"title": "Nu?"}}, "settings": {"sample": 7}})
    assert (made.status, made.json["version"]) == (200, 2)
    # Whoever asks "still the same?" is told no, as soon as the process has seen it.
    wait_for(lambda: asked(front, if_none_match=tag).status == 200, "the change does not show")
    (question,) = asked(front, "&question=search-found").json["questions"]
    assert (question["version"], question["texts"]["title"], question["settings"]["sample"]) == (2, "Nu?", 7)

    page = {"settings": {"where": [{"like": "/piegade*"}]}, "texts": {"lv": {"title": "Skaidrs?"}}, "type": "yes_no", "placement": "page"}
    assert owner(front, "POST", "/v1/questions", {**page, "name": "clear"}).status == 201
    wait_for(lambda: "clear" in names(front), "the new question does not show")
    short = {question["question"]: question for question in asked(front, "&placement=search").json["questions"]}
    assert set(short) == {"clear", "search-found"}
    assert "texts" not in short["clear"]
    assert short["clear"]["settings"] == page["settings"]

    owner(front, "PATCH", "/v1/questions/clear", {"paused": True})
    wait_for(lambda: "clear" not in names(front), "the pause does not show")
    assert asked(front, "&why=1").json["paused"] == ["clear"]
    owner(front, "DELETE", "/v1/questions/clear")
    wait_for(lambda: asked(front, "&why=1").json["paused"] == [], "the deletion does not show")

    # Panels that were open all the while: nothing of theirs is refused.
    answer = {"question": "clear", "question_version": 1, "value": "yes"}
    assert front.send(event(**answer)).status == 202
    assert front.send(event(**{**answer, "question": "search-found", "value": "no"})).status == 202
