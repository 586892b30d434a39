"""The questions pages: list, one, ready ones, the editor."""

import re
import time
from html import unescape
from typing import Any

import pytest
import time_machine

from tests.pipeline.envelopes import NOW
from tests.web.conftest import DAY, World, answer, signed_in
from widget_server.contract.sets import SETS
from widget_server.contract.shop import Question
from widget_server.record import questions
from widget_server.web.dashboard import _question_editor as editor


def fields(page: str, of: str = "editor") -> dict[str, Any]:
    """What a browser would send of the editor's form, as it stands; or of that which is called `of`."""
    form = page[page.index(f'id="{of}"') :]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        kind = re.search(r'type="([^"]+)"', tag)
        if name and (kind is None or kind[1] not in ("checkbox", "radio") or " checked" in tag):
            found.setdefault(name[1], []).append(unescape(value[1] if value else ""))
    for name, text in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>([^<]*)', form):
        found.setdefault(name, []).append(unescape(text))
    for name, inner in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        options = re.findall(r'<option value="([^"]*)"( selected)?', inner)
        found.setdefault(name, []).append(next((v for v, chosen in options if chosen), options[0][0]))
    return found



@pytest.mark.parametrize("path", ["", "/one/search-found", "/one/order-rating/edit", "/sets/why-us", "/new", "/new?type=choice&placement=order"])
def test_pages_open(small_world: World, path: str) -> None:
    page = signed_in(small_world).get(f"/app/questions{path}")
    assert page.status_code == 200, page.text


def test_saving_what_the_form_holds_changes_nothing(small_world: World) -> None:
    person = signed_in(small_world)
    for name in ("search-found", "order-rating"):
        form = fields(person.get(f"/app/questions/one/{name}/edit").text)
        reply = person.post_form(f"/app/questions/one/{name}/edit", {**form, "do": "save"})
        assert reply.status_code == 303, reply.text
    with small_world.database.reading() as conn:
        found = questions.of_shop(conn, small_world.shop.id)
    assert {name: len(versions) for name, versions in found.items()} == {"search-found": 1, "order-rating": 1}


def edited(small_world: World, name: str = "order-rating", **changes: Any) -> Any:
    person = signed_in(small_world)
    address = f"/app/questions/one/{name}/edit"
    return person.post_form(address, {**fields(person.get(address).text), "do": "save", **changes})


def newest(world: World, name: str) -> Question:
    with world.database.reading() as conn:
        return questions.of_shop(conn, world.shop.id)[name][-1]


def test_what_is_typed_is_saved_as_the_api_would(world: World) -> None:
    reply = edited(
        world, **{"s.delay": "2,5", "s.starts": "2026-12-01T09:00", "s.where.0.text": "/lv/*", "s.where.0.not": "1", "t.lv.title": "Kā gāja?", "t.fi.thanks": "",
                  "touchpoint": "delivery"}
    )  # fmt: skip
    assert (reply.status_code, reply.headers["Location"]) == (303, "/app/questions/one/order-rating")
    made = newest(world, "order-rating")
    assert made.version == 2 and made.touchpoint == "delivery"
    assert made.settings == {"follow_up": "always", "delay": 2.5, "starts": "2026-12-01T09:00:00+02:00", "where": [{"like": "/lv/*", "not": True}]}
    assert (made.texts["lv"]["title"], made.texts["fi"]["thanks"]) == ("Kā gāja?", "Kiitos vastauksesta!")
    by_api: Any = world.get("/v1/questions/order-rating").json
    assert by_api["settings"]["delay"] == 2.5


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(small_world: World) -> None:
    reply = edited(small_world, **{"s.delay": "soon", "t.lv.title": "", "t.en.title": "<script>alert(1)</script>", "s.where.0.text": "no"})
    assert reply.status_code == 422
    for field in ("s.delay", "t.lv.title", "s.where.0.text"):
        assert f'id="f-{field}-error"' in reply.text
        assert f'href="#f-{field}"' in reply.text
    assert 'value="soon"' in reply.text and "<script>alert" not in reply.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in reply.text
    assert newest(small_world, "order-rating").version == 1


def test_errors_are_said_in_the_members_language_or_in_english(small_world: World) -> None:
    person = signed_in(small_world, language="lv")
    address = "/app/questions/one/order-rating/edit"
    page = person.post_form(address, {**fields(person.get(address).text), "do": "save", "s.delay": "drīz"})
    assert page.status_code == 422 and 'value="drīz"' in page.text
    assert "Ievadiet skaitli (sekundes) no 0 līdz 3600." in page.text
    page = person.post_form(address, {**fields(person.get(address).text), "do": "save", "s.sample": "140", "s.cooldown_hours": "-1", "s.most": "0"})
    assert set(re.findall(r"skaitli \((.*?)\)", page.text)) == {"procenti", "reizes", "stundas"}


def test_errors_name_no_name_that_the_page_does_not_show(small_world: World) -> None:
    late = edited(small_world, **{"s.starts": "2026-12-02T09:00", "s.ends": "2026-12-01T09:00"})
    assert late.status_code == 422 and "Give a time after “Ask from”." in late.text
    person = signed_in(small_world)
    for path, typed, said in (
        ("type=stars&placement=page", {}, "Fill in “Addresses of the pages”, “Only on pages that have this” or “Name of the event”"),
        ("type=stars&placement=page", {"s.trigger": "event"}, "Name of the event: Required."),
        ("type=choice&placement=order", {"o.new": "Ķērpis"}, "Options: Give at least two different options, and 20 at most."),
    ):
        form = {**fields(person.get(f"/app/questions/new?{path}").text), "t.en.title": "How was it?", **typed}
        reply = person.post_form("/app/questions/new", {**form, "do": "save"})
        told = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", reply.text)))
        assert reply.status_code == 422 and said in told
        assert not re.search("`|a-z|placement|trigger", told.split("Please look at")[-1][:400]), told


def test_two_who_change_it_at_once_overwrite_nothing(world: World) -> None:
    anna, berta = signed_in(world), signed_in(world)
    address = "/app/questions/one/order-rating/edit"
    first, second = fields(anna.get(address).text), fields(berta.get(address).text)
    assert anna.post_form(address, {**first, "do": "save", "t.en.title": "From Anna"}).status_code == 303
    conflict = berta.post_form(address, {**second, "do": "save", "t.en.title": "From Berta", "s.delay": "7"})
    assert conflict.status_code == 409
    assert "From Anna" in conflict.text and "From Berta" in conflict.text
    assert newest(world, "order-rating").texts["en"]["title"] == "From Anna"
    # What Berta typed is still in the form, and now it may be saved over Anna's.
    again = fields(conflict.text)
    assert (again["t.en.title"], again["version"], again["s.delay"]) == (["From Berta"], ["2"], ["7"])
    assert berta.post_form(address, {**again, "do": "save"}).status_code == 303
    made = newest(world, "order-rating")
    assert (made.version, made.texts["en"]["title"], made.settings["delay"]) == (3, "From Berta", 7)


@pytest.mark.parametrize("do", ["look", "add_language", "add_options", "option_up:price", "drop_language:lv", "add_branch", "nonsense"])
def test_only_save_saves(small_world: World, do: str) -> None:
    assert edited(small_world, do=do, **{"t.en.title": "Another", "language": "sv"}).status_code == 200
    assert newest(small_world, "order-rating").version == 1


def test_the_frame_follows_what_is_typed(small_world: World) -> None:
    person = signed_in(small_world)
    form = fields(person.get("/app/questions/one/order-rating/edit").text)
    part = person.post_form("/app/questions/one/order-rating/look", {**form, "t.lv.title": "Nu, kā?", "p.lang": "lv", "p.look": "dark", "p.width": "desk"})
    assert part.status_code == 200 and "<html" not in part.text
    address = unescape(re.search(r'<iframe class="panel desk" src="([^"]+)"', part.text)[1])  # type: ignore[index]
    assert address.startswith("/preview/") and address.endswith("/page?lang=lv&look=dark")
    frame = person.get(address)
    assert "Nu, kā?" in unescape(frame.text) and frame.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert newest(small_world, "order-rating").version == 1
    nothing = person.post_form("/app/questions/one/order-rating/look", {**form, "t.lv.title": ""})
    assert "<iframe" not in nothing.text and "Required in each language." in nothing.text


def test_a_page_with_a_frame_says_so_in_its_policy(small_world: World) -> None:
    person = signed_in(small_world)
    assert "frame-src 'self'" in person.get("/app/questions/one/order-rating/edit").headers["Content-Security-Policy"]
    assert "frame-src" not in person.get("/app/questions").headers["Content-Security-Policy"]


def test_pausing_and_going_on(small_world: World) -> None:
    person = signed_in(small_world, "editor")
    assert person.post_form("/app/questions/one/search-found/pause", {"paused": "1", "from": "list"}).headers["Location"] == "/app/questions"
    assert newest(small_world, "search-found").paused
    page = person.get("/app/questions").text
    assert "Paused" in page and "Resume" in page
    assert person.post_form("/app/questions/one/search-found/pause", {"paused": "0"}).headers["Location"] == "/app/questions/one/search-found"
    assert not newest(small_world, "search-found").paused


def test_a_ready_question_is_switched_on_once(world: World) -> None:
    person = signed_in(world)
    assert 'action="/app/questions/sets/recommend"' in person.get("/app/questions").text
    assert person.post_form("/app/questions/sets/recommend").status_code == 303
    assert newest(world, "recommend").type == "nps"
    page = person.get("/app/questions").text
    assert 'action="/app/questions/sets/recommend"' not in page
    person.post_form("/app/questions/sets/recommend")
    assert newest(world, "recommend").version == 1


def test_what_waits_for_mails_is_not_said_to_be_asked(world: World) -> None:
    person = signed_in(world)
    name = next(one.name for one in SETS.values() if one.placement == "link")
    assert person.post_form(f"/app/questions/sets/{name}").status_code == 303
    page = person.get(f"/app/questions/one/{name}").text
    assert "It waits: mails can&#39;t be sent yet." in page and "within a minute" not in page
    assert "Not begun yet" in page and "<dt>When</dt>" not in page

    def badge() -> str:
        (row,) = (each for each in person.get("/app/questions").text.split("<li") if f'href="/app/questions/one/{name}"' in each)
        assert "Mails can&#39;t be sent yet." in row
        return re.sub(r"<[^>]+>", "", row[row.index('<span class="badge') :].split("</span>")[0]).strip()

    assert badge() == "Not begun yet"
    assert person.post_form(f"/app/questions/one/{name}/pause", {"paused": "0"}).status_code == 303
    assert "It waits: mails can&#39;t be sent yet." in person.get(f"/app/questions/one/{name}").text
    person.post_form(f"/app/questions/one/{name}/pause", {"paused": "1"})
    assert badge() == "Paused"


def test_deleting_leaves_the_answers_and_the_set(small_world: World) -> None:
    small_world.send(answer("order-rating", 5))
    person = signed_in(small_world)
    assert person.post_form("/app/questions/one/order-rating/delete").headers["Location"] == "/app/questions"
    assert person.get("/app/questions/one/order-rating").status_code == 404
    kept: Any = small_world.get("/v1/answers", question="order-rating").json
    assert kept["answers"]
    assert 'action="/app/questions/sets/order-rating"' in person.get("/app/questions").text


def test_a_question_of_ones_own_from_nothing(world: World) -> None:
    person = signed_in(world)
    page = person.get("/app/questions/new?type=choice&placement=order")
    form = {**fields(page.text), "t.en.title": "How did you hear of us?", "o.new": "A friend\nA search\nÕhtuleht"}
    added = person.post_form("/app/questions/new", {**form, "do": "add_options"})
    assert added.status_code == 200
    reply = person.post_form("/app/questions/new", {**fields(added.text), "do": "save"})
    assert (reply.status_code, reply.headers["Location"]) == (303, "/app/questions/one/how-did-you-hear-of-us")
    made = newest(world, "how-did-you-hear-of-us")
    assert made.settings["options"] == ["a-friend", "a-search", "ohtuleht"]
    assert (made.texts["en"]["option.ohtuleht"], made.texts["en"]["thanks"]) == ("Õhtuleht", "Thank you for your answer!")
    assert made.touchpoint == "order"


@pytest.mark.parametrize("path", ["/new", "/new/look", "/one/order-rating/edit", "/one/order-rating/look"])
@pytest.mark.parametrize("do", ["look", "save"])
def test_a_form_of_very_many_languages_is_drawn_in_no_more_than_one_too_many(small_world: World, path: str, do: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    ask = editor.ask_about
    monkeypatch.setattr(editor, "ask_about", lambda shop, question, lang: told.append(lang) or ask(shop, question, lang))
    langs = [f"{a}{b}{c}" for a in "abcdefghijklm" for b in "abcdefghijklm" for c in "abcdefghijkl"]
    form = {"type": "stars", "placement": "order", "do": do, "l": langs, "t.aaa.title": "How was it?" + "x" * 40_000}
    reply = signed_in(small_world).post_form(f"/app/questions{path}", form)
    assert reply.status_code == (422 if do == "save" and "look" not in path else 200), reply.text
    assert "Give texts in 1 to 40 languages." in reply.text
    assert told == ([] if path.endswith("look") else langs[:41])
    assert langs[41] not in re.findall(r'name="l" value="(.*?)"', reply.text) and reply.text.count("drop_language") in (0, 41)
    assert len(reply.data) < 500_000
    assert newest(small_world, "order-rating").version == 1


def test_numbers_are_those_of_the_api(small_world: World) -> None:
    day = NOW // DAY * DAY
    with time_machine.travel(day / 1000 + 43_200, tick=False):
        for n in range(7):
            small_world.send(answer("order-rating", 4, at=day - n * 5 * DAY + 40_000_000))
        reached: Any = small_world.get("/v1/reach", question="order-rating", **{"from": ms_day(day - 29 * DAY)}).json
        found = reached["questions"][0]
        page = signed_in(small_world).get("/app/questions/one/order-rating").text
    assert found["answered"] == 6
    assert re.search(r'<p class="value"><a href="/app/answers\?question=order-rating&amp;period=30">6</a></p>', page)


def ms_day(ms: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(ms / 1000))
