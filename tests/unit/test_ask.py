"""`ask`: the right questions in the right words, the same bytes for everybody, and little memory."""

import gzip
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import brotli
import orjson
import pytest

from widget_server.contract.sets import SETS
from widget_server.contract.shop import Question, Shop
from widget_server.intake import ask as asking_of
from widget_server.intake import shops_cache
from widget_server.intake.ask import Asking, AskReplies, ask_about

PAGE = Question("delivery-info", 3, "yes_no", "page", settings={"where": [{"like": "/delivery*"}]},
                texts={"lv": {"title": "Skaidrs?"}, "en": {"title": "Clear?"}})  # fmt: skip
QUESTIONS = (
    SETS["search-found"].question(),
    SETS["order-rating"].question(),
    SETS["delivery-rating"].question(),
    replace(SETS["recommend"].question(), paused=True),
    replace(SETS["why-us"].question(), paused=True, deleted=True),
    PAGE,
)


def shop(*questions: Question, **more: Any) -> Shop:
    there = {question.name: (question,) for question in questions or QUESTIONS}
    return Shop("s", "Shop", "pk_1", ("shop.example",), "UTC", "ots_1", there, **more)


def told(replies: AskReplies, **asking: Any) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(replies.reply(Asking(**asking), None).body)
    return body


def names(body: Mapping[str, Any]) -> list[str]:
    return [question["question"] for question in body["questions"]]


@pytest.mark.parametrize(
    ("placement", "there"),
    [
        ("", ["search-found", "order-rating", "delivery-info"]), ("search", ["search-found", "delivery-info"]),
        ("order", ["order-rating", "delivery-info"]), ("product", ["delivery-info"]), ("page", ["delivery-info"]),
        ("link", ["delivery-info"]), ("nowhere", ["delivery-info"]),
    ],
)  # fmt: skip
def test_a_page_gets_its_own_questions_and_those_of_any_page(placement: str, there: list[str]) -> None:
    body = told(AskReplies(shop()), lang="lv", placement=placement)
    assert names(body) == there
    for question in body["questions"]:
        assert ("texts" in question) == (not placement or question["placement"] != "page")


def test_one_question_by_its_name() -> None:
    replies = AskReplies(shop())
    (question,) = told(replies, lang="lv", question="delivery-info")["questions"]
    assert question == {
        "question": "delivery-info", "version": 3, "type": "yes_no", "placement": "page", "settings": PAGE.settings,
        "texts": {"title": "Skaidrs?"},
    }  # fmt: skip
    assert told(replies, lang="lv", question="delivery-info", placement="search")["questions"] == [question]
    for none in ("nobody", "recommend", "why-us", "delivery-rating", "-"):
        reply = replies.reply(Asking("lv", question=none), None)
        assert (reply.status, orjson.loads(reply.body)["questions"]) == (200, [])


def test_why_names_those_that_are_paused() -> None:
    replies = AskReplies(shop())
    assert told(replies, lang="lv", why=True)["paused"] == ["recommend"]
    assert told(replies, lang="lv", placement="order", why=True)["paused"] == ["recommend"]
    assert told(replies, lang="lv", placement="search", why=True)["paused"] == []
    assert "paused" not in told(replies, lang="lv")


def test_the_looks_come_when_something_is_set() -> None:
    assert "widget" not in told(AskReplies(shop()), lang="lv")
    assert told(AskReplies(shop(widget={"mode": "dark"})), lang="lv")["widget"] == {"mode": "dark"}


def test_what_one_language_lacks_another_has() -> None:
    texts = {
        "pt": {"title": "Tudo claro?", "yes": "Sim"}, "pt-BR": {"title": "Tudo certo?"}, "en": {"title": "Clear?", "yes": "Yes", "no": "No"},
        "sv": {"title": "Klart?", "close": "Stäng"},
    }  # fmt: skip
    replies = AskReplies(shop(replace(PAGE, texts=texts)))
    (question,) = told(replies, lang="pt-br")["questions"]
    assert question["texts"] == {"title": "Tudo certo?", "yes": "Sim", "no": "No", "close": "Stäng"}
    (question,) = told(replies, lang="lv")["questions"]
    assert question["texts"] == {"title": "Clear?", "yes": "Yes", "no": "No", "close": "Stäng"}


def test_a_question_says_its_language_where_it_is_not_that_of_the_reply() -> None:
    replies = AskReplies(shop(SETS["search-found"].question(), replace(PAGE, texts={"ar": {"title": "واضح؟"}})))
    body = told(replies, lang="lv")
    assert body["lang"] == "lv"
    assert [question.get("lang") for question in body["questions"]] == [None, "ar"]


def test_the_memory_is_bounded_whatever_is_asked() -> None:
    replies = AskReplies(shop())
    for n in range(2000):
        replies.reply(Asking(f"x{n}", f"p{n}", f"q{n % 7}" if n % 2 else "", why=n % 3 == 0), None)
    assert len(replies._made) <= 4
    many = shop(*(replace(PAGE, name=f"q{n}") for n in range(300)))
    replies = AskReplies(many)
    for n in range(300):
        replies.reply(Asking("lv", question=f"q{n}"), None)
    assert len(replies._made) <= 64


def test_unchanged_is_304_and_each_reply_has_a_tag_of_its_own() -> None:
    replies = AskReplies(shop())
    tags = set()
    for asking in (Asking("lv"), Asking("en"), Asking("lv", "search"), Asking("lv", question="delivery-info"), Asking("lv", why=True)):
        headers = dict(replies.reply(asking, None).headers)
        tags.add(headers["etag"])
        again = replies.reply(asking, headers["etag"])
        assert (again.status, again.body) == (304, b"")
        assert dict(again.headers)["cache-control"] == headers["cache-control"]
    assert len(tags) == 5


def test_a_change_is_live_within_a_minute_through_every_cache() -> None:
    kept = int(dict(AskReplies(shop()).reply(Asking(), None).headers)["cache-control"].rpartition("=")[2])
    # What we ourselves may serve meanwhile is at most so old, and the first look at the new may take so long.
    assert kept + shops_cache.STALE + shops_cache._LOOKUP_SECONDS <= 60


def test_a_preview_is_what_ask_says_of_a_question_alone() -> None:
    for question in QUESTIONS:
        alone = replace(question, paused=False, deleted=False)
        preview = ask_about(shop(*QUESTIONS, widget={"mode": "dark"}), alone, "lt")
        if question.placement != "link":
            assert preview == told(AskReplies(shop(alone, widget={"mode": "dark"})), lang="lt")
        assert names(preview) == [question.name]


def test_replies_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    replies, made = AskReplies(shop()), []
    monkeypatch.setattr(asking_of, "ask", lambda *given: made.append(given) or {"questions": []})
    for lang in ("lv", "LV", "lv-LV", "lv_LV"):
        replies.reply(Asking(lang, "search"), None)
    assert len(made) == 1


@pytest.mark.parametrize(
    ("accepted", "coding"), [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("br;q=0, GZIP;q=0.5", "gzip"), ("zstd", ""), ("gzip;q=0.0", "")]
)
def test_it_goes_packed_as_is_accepted(accepted: str, coding: str) -> None:
    replies = AskReplies(shop())
    plain, packed = (replies.reply(Asking("lv", "search"), None, header) for header in ("", accepted))
    assert dict(packed.headers).get("content-encoding", "") == coding
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}[coding]
    assert unpack(packed.body) == plain.body
    assert (len(packed.body) < len(plain.body)) is (coding != "")
    assert dict(plain.headers)["etag"] == dict(packed.headers)["etag"]


def test_nobody_gets_more_bytes_for_packing() -> None:
    nothing = AskReplies(replace(shop(), questions={}))
    plain, packed = (nothing.reply(Asking("lv", "product"), None, header).body for header in ("", "gzip, br"))
    assert len(packed) <= len(plain)


def test_a_page_is_not_told_which_shop_it_belongs_to() -> None:
    assert "shop" not in told(AskReplies(shop()), lang="lv", placement="search")
    assert told(AskReplies(shop()), lang="lv")["shop"] == {"site_key": "pk_1", "name": "Shop"}


@pytest.mark.parametrize(("lang", "title"), [("lv", "Patika?"), ("lv-LV", "Patika?"), ("LV", "Patika?"), ("lt", "Liked it?"), ("", "Liked it?")])
def test_texts_of_a_country_are_read_by_all_who_speak_its_language(lang: str, title: str) -> None:
    question = Question("q", 1, "yes_no", "search", texts={"en": {"title": "Liked it?"}, "lv_LV": {"title": "Patika?"}})
    assert told(AskReplies(shop(question)), lang=lang)["questions"][0]["texts"]["title"] == title


def test_options_are_read_in_one_language_never_in_two() -> None:
    words = {
        "lv": {"title": "Ko?", "option.a": "Mazu"},
        "lv_LV": {"title": "Kuru?", "option.a": "Mazo", "option.b": "Lielo"},
        "en": {"title": "Which?", "option.a": "Small", "option.b": "Big"},
    }
    question = Question("q", 1, "choice", "search", settings={"options": ["a", "b"]}, texts=words)
    said = told(AskReplies(shop(question)), lang="lv")["questions"][0]
    assert (said["lang"], said["texts"]["title"], said["texts"]["option.a"]) == ("lv_LV", "Kuru?", "Mazo")
    del words["lv_LV"]
    said = told(AskReplies(shop(question)), lang="lv")["questions"][0]
    assert (said["lang"], said["texts"]["title"], said["texts"]["option.a"]) == ("en", "Which?", "Small")
