"""Answers of several options in the counters: each option counts, the answer counts once."""

import uuid

import pytest

from tests.pipeline.envelopes import NOW, envelope, event
from widget_server.act.pipeline import process
from widget_server.act.verify import rebuild, verify
from widget_server.contract.metrics import metrics
from widget_server.contract.scores import Counts
from widget_server.contract.shop import Question
from widget_server.record import counters, questions, shops
from widget_server.record.db import Database
from widget_server.record.shops import NewShop

WHY = Question("why", 1, "choices", "order", settings={"options": ["price", "range", "advice"]})


@pytest.fixture
def shop(database: Database) -> NewShop:
    with database.writing() as conn:
        made = shops.create(conn, "Tests", "shop.example", "Europe/Riga")
        questions.add_version(conn, made.id, WHY)
    return made


def test_each_option_counts_and_the_answer_once(database: Database, shop: NewShop) -> None:
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    parts = [
        event("question.shown", NOW, question="why", answer=first),
        event("answer.given", NOW + 1, question="why", answer=first, value=["price"], final=False),
        event("answer.given", NOW + 2, question="why", answer=first, value=["price", "range"], final=True),
        event("answer.given", NOW, question="why", answer=second, value=["range", "gone"]),
    ]
    for part in reversed(parts):
        process(database, [envelope(shop.id, part)])

    def counted() -> Counts:
        with database.reading() as conn:
            return counters.total(conn, counters.Slice(shop.id, ("why",)))

    before = counted()
    assert (before.shown, before.answers, before.chosen) == (2, {"": 2}, {"price": 1, "range": 2})
    assert metrics()["response_rate"].read(before).value == 1.0
    assert metrics()["top_option"].read(before).distribution == {"price": 1, "range": 2}
    assert list(verify(database)) == []
    rebuild(database)
    assert counted() == before
