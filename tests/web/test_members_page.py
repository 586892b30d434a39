"""Members, roles, invitations, and the parts of the settings that are one's own."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest
import time_machine
from werkzeug.test import TestResponse

from tests.pipeline.envelopes import NOW
from tests.web.conftest import DAY, PASSWORD, Person, World, enrol, signed_in
from tests.web.test_sign_in import AT, form, is_in, sign_in
from widget_server.contract import passwords
from widget_server.record import accounts, invitations, members, sessions
from widget_server.record.db import Database
from widget_server.record.members import LastOwner
from widget_server.web.dashboard import _secrets
from widget_server.web.dashboard.sessions import browser, system

NEW = "a quite new password"


def invite(owner: Person, email: str, role: str = "editor") -> str:
    """The path of the link."""
    reply = owner.post_form("/app/settings/members/invite", {"email": email, "role": role})
    assert reply.status_code == 200
    (link,) = re.findall(r"http://localhost:8000(/app/invitations/[\w-]+)", reply.text)
    assert link not in owner.get("/app/settings/members").text, "it is shown once"
    return str(link)


def roles(world: World) -> dict[str, str]:
    with world.database.reading() as conn:
        return {m.email: m.role for m in members.of_shop(conn, world.shop.id)}


def accept(world: World, link: str, **data: Any) -> tuple[Any, TestResponse]:
    client = world.app.test_client()
    return client, form(client, link, {"name": "Jānis", "password": NEW, **data})


def test_who_is_invited_makes_an_account_and_is_in(world: World) -> None:
    owner = signed_in(world, language="lv")
    link = invite(owner, "Janis@Lampas.example")
    page = world.app.test_client().get(link)
    assert page.status_code == 200 and "Shop" in page.text
    assert roles(world) == {owner.email: "owner"}, "to look at it changes nothing"
    with world.database.reading() as conn:
        assert link.rpartition("/")[2] not in str(conn.exec_driver_sql("SELECT * FROM invitations").all())
    client, done = accept(world, link)
    assert (done.status_code, done.headers["Location"]) == (303, "/app")
    assert is_in(client)
    assert roles(world) == {owner.email: "owner", "janis@lampas.example": "editor"}
    again, used = accept(world, link)
    assert used.status_code == 404 and not is_in(again)
    assert sign_in(world.app.test_client(), "janis@lampas.example", NEW).status_code == 303


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"password": "short"}, "at least 12 characters"),
        ({"password": "123456789012"}, "one of the first that others would try"),
        ({"password": "janis@lampas.example"}, "little more than your e-mail"),
        ({"password": "x1y2" * 300}, "longer than anybody can need"),
        ({"name": "  "}, "Say what you are called"),
    ],
)
def test_a_poor_password_is_said_in_words_and_the_link_stays_good(small_world: World, data: dict[str, str], said: str) -> None:
    link = invite(signed_in(small_world), "janis@lampas.example")
    client, refused = accept(small_world, link, **data)
    assert refused.status_code == 422 and said.split()[0] in refused.text and said.rpartition(" ")[2] in refused.text
    assert not is_in(client)
    assert accept(small_world, link)[1].status_code == 303


def test_a_link_ends_after_7_days_and_when_it_is_withdrawn_or_another_is_made(small_world: World) -> None:
    with time_machine.travel(AT, tick=False) as clock:
        owner = signed_in(small_world)
        first, second = (invite(owner, "janis@lampas.example") for _ in range(2))
        assert accept(small_world, first)[1].status_code == 404
        with small_world.database.reading() as conn:
            (waiting,) = invitations.waiting(conn, small_world.shop.id, AT * 1000)
        assert owner.post_form("/app/settings/members/withdraw", {"invitation": waiting.id}).status_code == 303
        assert accept(small_world, second)[1].status_code == 404
        third, fourth = invite(owner, "janis@lampas.example"), invite(owner, "peteris@lampas.example")
        clock.shift(7 * DAY / 1000 - 1)
        assert accept(small_world, third)[1].status_code == 303
        clock.shift(1)
        assert accept(small_world, fourth)[1].status_code == 404
    for nonsense in ("x", "%00", "a" * 5000, "..%2f", "ā"):
        assert small_world.client.get(f"/app/invitations/{nonsense}").status_code == 404


def test_who_has_an_account_signs_in_and_comes_into_the_second_shop(world: World) -> None:
    here, there = signed_in(world), signed_in(world, "owner", world.neighbour)
    link = invite(here, there.email, "viewer")
    stranger = world.app.test_client()
    assert "has an account already" in stranger.get(link).text
    refused = form(stranger, link, {"name": "X", "password": NEW})
    assert not is_in(stranger) and refused.status_code == 200
    assert sign_in(world.app.test_client(), there.email, NEW).status_code == 422, "a link does not change anybody's password"
    assert there.email not in roles(world)
    other = signed_in(world, "editor")
    assert f"You are signed in as {other.email}" in other.get(link).text
    other.post_form(link)
    assert there.email not in roles(world)

    joined = there.post_form(link)
    assert joined.status_code == 303 and roles(world)[there.email] == "viewer"
    assert "Shop" in there.get("/app/shops").text and "Neighbour" in there.get("/app/shops").text
    assert there.get("/app/settings/members").text.count(here.email) >= 1, "the session is in the new shop now"
    assert there.post_form("/app/settings/members/invite", {"email": "a@b.example", "role": "owner"}).status_code == 403
    assert there.post_form("/app/shops", {"shop": world.neighbour.id}).status_code == 303
    assert here.email not in there.get("/app/settings/members").text
    assert there.post_form("/app/settings/members/invite", {"email": "a@b.example", "role": "owner"}).status_code == 200


def test_who_changes_the_password_ends_the_links_for_a_new_one(small_world: World) -> None:
    person, other = signed_in(small_world), signed_in(small_world)
    with small_world.database.writing() as conn:
        mine, theirs = (invitations.create(conn, email, int(time.time() * 1000))[1] for email in (person.email, other.email))
    assert small_world.client.get(f"/app/invitations/{mine}").status_code == 200
    assert person.post_form("/app/settings/account/password", {"current": PASSWORD, "password": NEW}).status_code == 303
    assert small_world.client.get(f"/app/invitations/{mine}").status_code == 404
    assert small_world.client.get(f"/app/invitations/{theirs}").status_code == 200


@pytest.mark.parametrize("how", ["another tab", "removed"])
def test_a_form_that_was_begun_in_one_shop_is_not_done_in_another(world: World, how: str) -> None:
    owner, colleague = signed_in(world), signed_in(world)
    with world.database.writing() as conn:
        members.join(conn, world.neighbour.id, owner.account, "owner", 1)
    began = owner.token()
    if how == "another tab":
        assert owner.post_form("/app/shops", {"shop": world.neighbour.id}).status_code == 303
    else:
        assert colleague.post_form("/app/settings/members/remove", {"account": owner.account}).status_code == 303
    for path, typed in (("settings/members/invite", {"email": "a@b.example", "role": "owner"}), ("settings/keys", {"name": "for the first"})):
        late = owner.client.post(f"/app/{path}", data={"csrf_token": began, **typed})
        assert late.status_code == 400, "a form of the first shop"
        assert "load the page again" in late.text
    there = owner.get("/app/settings/members").text
    assert owner.email in there and "a@b.example" not in there and colleague.email not in there
    assert "for the first" not in owner.get("/app/settings/keys").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', there)
    assert token is not None
    assert owner.client.post("/app/settings/keys", data={"csrf_token": token[1], "name": "for the second"}).status_code == 200


def at_once(*acts: Callable[[], TestResponse], monkeypatch: pytest.MonkeyPatch) -> list[TestResponse]:
    """What each gets when all have looked at their link, and only then anything is written."""
    barrier, kept = threading.Barrier(len(acts), timeout=30), passwords.hashed(NEW)

    def hashed(password: str) -> str:
        barrier.wait()
        return kept

    monkeypatch.setattr(_secrets, "hashed", hashed)
    with ThreadPoolExecutor(len(acts)) as pool:
        replies = [each.result() for each in [pool.submit(act) for act in acts]]
    monkeypatch.undo()
    return replies


def test_two_invitations_of_one_new_address_accepted_at_once_make_one_account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    links = [invite(signed_in(world, shop=shop), "janis@lampas.example") for shop in (world.shop, world.neighbour)]
    clients = [world.app.test_client() for _ in links]
    acts = [partial(form, client, link, {"name": "Jānis", "password": NEW}) for client, link in zip(clients, links, strict=True)]
    replies = at_once(*acts, monkeypatch=monkeypatch)
    assert sorted(reply.status_code for reply in replies) == [303, 409]
    late = next(n for n, reply in enumerate(replies) if reply.status_code == 409)
    assert "has an account already" in replies[late].text and not is_in(clients[late]) and is_in(clients[1 - late])
    # The link that came too late is good still, for whoever signs in.
    assert form(clients[1 - late], links[late], {}).status_code == 303
    with world.database.reading() as conn:
        account = accounts.by_email(conn, "janis@lampas.example")
        assert account is not None
        assert set(members.shops_of(conn, account.id)) == {world.shop.id, world.neighbour.id}


def test_one_invitation_accepted_twice_at_once_is_good_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = signed_in(world)
    link = invite(owner, "janis@lampas.example")
    acts = [partial(form, world.app.test_client(), link, {"name": "Jānis", "password": NEW}) for _ in range(3)]
    replies = at_once(*acts, monkeypatch=monkeypatch)
    assert sorted(reply.status_code for reply in replies) == [303, 404, 404]
    assert roles(world) == {owner.email: "owner", "janis@lampas.example": "editor"}


def test_who_has_an_account_accepts_twice_at_once(world: World) -> None:
    owner, other = signed_in(world), signed_in(world, shop=world.neighbour)
    link = invite(owner, other.email, "viewer")
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(copied(world, other).post_form, link) for _ in range(3)]
        statuses = sorted(each.result().status_code for each in asked)
    assert statuses == [303, 404, 404]
    assert roles(world) == {owner.email: "owner", other.email: "viewer"}


def copied(world: World, person: Person) -> Person:
    """Another window of the same browser."""
    client = world.app.test_client()
    with person.client.session_transaction() as theirs, client.session_transaction() as ours:
        ours.update(theirs)
    return Person(client, person.account, person.email, person.role)


def test_two_owners_who_invite_one_address_at_once(world: World) -> None:
    owners = [signed_in(world) for _ in range(3)]
    asked = {"email": "janis@lampas.example", "role": "viewer"}
    with ThreadPoolExecutor(3) as pool:
        replies = [each.result() for each in [pool.submit(owner.post_form, "/app/settings/members/invite", asked) for owner in owners]]
    assert [reply.status_code for reply in replies] == [200, 200, 200]
    with world.database.reading() as conn:
        assert len(invitations.waiting(conn, world.shop.id, NOW)) == 1, "one address has one link"


def test_an_address_keeps_its_letters(world: World) -> None:
    """ß is no ss: that would be somebody else."""
    owner = signed_in(world)
    link = invite(owner, "Ju\u0308rgen.Strau\u00df@Lampas.example")
    assert accept(world, link)[1].status_code == 303
    assert "jürgen.strauß@lampas.example" in roles(world)
    for typed in ("JÜRGEN.STRAUß@lampas.example", "ju\u0308rgen.strauß@lampas.example"):
        assert sign_in(world.app.test_client(), typed, NEW).status_code == 303
    assert sign_in(world.app.test_client(), "jürgen.strauss@lampas.example", NEW).status_code == 422


def test_an_invitation_never_lowers_who_is_there_already(small_world: World) -> None:
    owner, other = signed_in(small_world), signed_in(small_world, "owner", small_world.neighbour)
    link = invite(owner, other.email, "viewer")
    with small_world.database.writing() as conn:
        members.add(conn, small_world.shop.id, other.account, "owner", NOW)
    assert other.post_form(link).status_code == 303
    assert roles(small_world)[other.email] == "owner"
    again = owner.post_form("/app/settings/members/invite", {"email": other.email, "role": "viewer"})
    assert again.status_code == 422 and "is a member already" in again.text


@pytest.mark.parametrize("email", ["", "anna", "anna@", "@x.example", "a b@x.example", "a@x.example\r\nBcc: b@x.example", "a@x" * 200])
def test_only_an_address_is_invited(small_world: World, email: str) -> None:
    owner = signed_in(small_world)
    reply = owner.post_form("/app/settings/members/invite", {"email": email, "role": "viewer"})
    assert reply.status_code == 422 and "no e-mail address" in reply.text


def test_the_link_is_of_the_base_url_whatever_host_was_asked(small_world: World) -> None:
    owner = signed_in(small_world)
    reply = owner.client.post(
        "/app/settings/members/invite", data={"csrf_token": owner.token(), "email": "a@b.example", "role": "viewer"},
        headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
    )  # fmt: skip
    (link,) = re.findall(r"https?://[^\s<]+/app/invitations/[\w-]+", reply.text)
    assert urlsplit(link).netloc == "localhost:8000" and "evil" not in reply.text


def test_a_changed_role_counts_at_once(world: World) -> None:
    owner, editor = signed_in(world), signed_in(world, "editor")
    asked = {"email": "a@b.example", "role": "viewer"}
    assert editor.post_form("/app/settings/members/invite", asked).status_code == 403
    assert owner.post_form("/app/settings/members/role", {"account": editor.account, "role": "owner"}).status_code == 303
    assert editor.post_form("/app/settings/members/invite", asked).status_code == 200
    assert editor.post_form("/app/settings/members/role", {"account": owner.account, "role": "viewer"}).status_code == 303
    assert owner.post_form("/app/settings/members/role", {"account": owner.account, "role": "owner"}).status_code == 403
    assert owner.post_form("/app/settings/members/role", {"account": owner.account, "role": "boss"}).status_code == 403
    assert editor.post_form("/app/settings/members/role", {"account": owner.account, "role": "boss"}).status_code == 422


def test_who_is_removed_is_out_at_once_and_goes_on_in_another_shop(world: World) -> None:
    owner, editor, both = signed_in(world), signed_in(world, "editor"), signed_in(world, "editor")
    with world.database.writing() as conn:
        members.add(conn, world.neighbour.id, both.account, "viewer", NOW)
    for person in (editor, both):
        assert owner.post_form("/app/settings/members/remove", {"account": person.account}).status_code == 303
    gone = editor.get("/app/settings")
    assert (gone.status_code, gone.headers["Location"]) == (303, "/app/sign-in?next=/app/settings")
    there = both.get("/app/settings")
    assert there.status_code == 200 and "Neighbour" in there.text
    assert both.post_form("/app/shops", {"shop": world.shop.id}).status_code == 404


@pytest.mark.parametrize(("path", "data"), [("remove", {}), ("role", {"role": "viewer"})])
def test_who_is_owner_no_more_can_not_come_back_by_a_link_of_their_own(world: World, path: str, data: dict[str, str]) -> None:
    owner, other = signed_in(world), signed_in(world)
    kept, back = invite(owner, "janis@lampas.example"), invite(other, "back@door.example", "owner")
    assert owner.post_form(f"/app/settings/members/{path}", {"account": other.account, **data}).status_code == 303
    assert accept(world, back)[1].status_code == 404
    assert accept(world, kept)[1].status_code == 303
    assert "back@door.example" not in roles(world)


def test_with_an_owner_it_is_said_that_keys_stay(world: World) -> None:
    owner, other, editor = signed_in(world), signed_in(world), signed_in(world, "editor")
    for person, is_told in ((other, True), (editor, False)):
        assert owner.post_form("/app/settings/members/remove", {"account": person.account}).status_code == 303
        assert ("An owner may have kept an API key" in owner.get("/app/settings/members").text) == is_told
        assert person.get("/app/settings/keys").status_code == 303
    assert world.get("/v1/scores", metric="stars").status_code == 200, "a key is the shop's"


def test_the_last_owner_can_not_go(world: World) -> None:
    owner, editor = signed_in(world), signed_in(world, "editor")
    for path, data in (("leave", {}), ("remove", {"account": owner.account}), ("role", {"account": owner.account, "role": "viewer"})):
        refused = owner.post_form(f"/app/settings/members/{path}", data)
        assert refused.status_code == 422 and "always has an owner" in refused.text
    assert editor.post_form("/app/settings/members/leave").status_code == 303
    assert roles(world) == {owner.email: "owner"}


def test_two_owners_who_remove_one_another_leave_one(database: Database, world: World) -> None:
    one, other = enrol(world), enrol(world)
    barrier, refused = threading.Barrier(2), []

    def remove(account: str) -> None:
        barrier.wait()
        try:
            with database.writing() as conn:
                members.remove(conn, world.shop.id, account)
        except LastOwner:
            refused.append(account)

    threads = [threading.Thread(target=remove, args=(a.id,)) for a in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert list(roles(world).values()) == ["owner"]


def test_a_new_password_signs_everybody_else_out(world: World) -> None:
    person = signed_in(world)
    elsewhere = world.app.test_client()
    assert sign_in(elsewhere, person.email).status_code == 303
    for data, said in (
        ({"current": "not it at all", "password": NEW}, "not your password"),
        ({"current": PASSWORD, "password": "short"}, "at least 12"),
    ):
        refused = person.post_form("/app/settings/account/password", data)
        assert refused.status_code == 422 and said in refused.text
    assert is_in(elsewhere)
    assert person.post_form("/app/settings/account/password", {"current": PASSWORD, "password": NEW}).status_code == 303
    assert is_in(person.client) and not is_in(elsewhere)
    assert sign_in(world.app.test_client(), person.email).status_code == 422
    assert sign_in(world.app.test_client(), person.email, NEW).status_code == 303


def test_a_link_to_a_new_password_opens_the_account_and_shuts_all_others_out(world: World) -> None:
    person = signed_in(world)
    with world.database.writing() as conn:
        _, token = invitations.create(conn, person.email, int(AT * 1000))
    with time_machine.travel(AT + 3600, tick=False) as clock:
        client = world.app.test_client()
        assert person.email in client.get(f"/app/invitations/{token}").text
        done = form(client, f"/app/invitations/{token}", {"password": NEW})
        assert done.status_code == 303 and is_in(client) and not is_in(person.client)
        assert sign_in(world.app.test_client(), person.email).status_code == 422
        with world.database.writing() as conn:
            accounts.turn_totp_on(conn, person.account, "JBSWY3DPEHPK3PXP", 0, [])
            _, token = invitations.create(conn, person.email, int((AT + 3600) * 1000))
        careful = world.app.test_client()
        form(careful, f"/app/invitations/{token}", {"password": PASSWORD})
        assert not is_in(careful), "the second factor is asked for all the same"
        with world.database.writing() as conn:
            _, token = invitations.create(conn, person.email, int((AT + 3600) * 1000))
        clock.shift(DAY / 1000)
        assert careful.get(f"/app/invitations/{token}").status_code == 404


def test_sessions_are_listed_and_ended_and_only_ones_own(world: World) -> None:
    person, other = signed_in(world), signed_in(world)
    phone = world.app.test_client()
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"
    page = phone.get("/app/sign-in")
    token = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert token is not None
    phone.post("/app/sign-in", data={"csrf_token": token[1], "email": person.email, "password": PASSWORD}, headers={"User-Agent": agent})
    shown = person.get("/app/settings/sessions").text
    assert "Safari on iPhone" in shown and "this one" in shown
    (theirs,) = re.findall(r'name="session" value="(ses_\w+)"', shown)
    assert other.post_form("/app/settings/sessions/end", {"session": theirs}).status_code == 404
    assert is_in(phone)
    assert person.post_form("/app/settings/sessions/end", {"session": theirs}).status_code == 303
    assert not is_in(phone) and is_in(person.client)
    tablet = world.app.test_client()
    sign_in(tablet, person.email)
    assert person.post_form("/app/settings/sessions/end-others").status_code == 303
    assert not is_in(tablet) and is_in(person.client) and is_in(other.client)


@pytest.mark.parametrize(
    ("agent", "named"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 Edg/131.0", ("Edge", "Windows")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", ("Firefox", "Linux")),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36", ("Chrome", "Android")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15", ("Safari", "Mac")),
        ("curl/8.0", ("", "")),
        ("", ("", "")),
    ],
)
def test_browsers_are_called_as_people_call_them(agent: str, named: tuple[str, str]) -> None:
    assert (browser(agent), system(agent)) == named


def test_two_factors_are_turned_on_by_a_code_of_the_phone(world: World) -> None:
    with time_machine.travel(AT, tick=False) as clock:
        person = signed_in(world)
        elsewhere = world.app.test_client()
        sign_in(elsewhere, person.email)
        assert person.post_form("/app/settings/two-factor/begin", {"current": "not it at all"}).status_code == 422
        shown = person.post_form("/app/settings/two-factor/begin", {"current": PASSWORD})
        assert shown.headers["Location"] == "/app/settings/two-factor/picture"
        page = person.get("/app/settings/two-factor/picture").text
        secret = "".join(re.findall(r"<code>([A-Z2-7 ]{39})</code>", page)[0].split())
        assert 'src="data:image/svg+xml' in page
        with person.client.session_transaction() as cookie:
            assert secret not in str(dict(cookie)), "whoever reads the cookie learns nothing"
        assert person.post_form("/app/settings/two-factor/on", {"code": "000000"}).status_code == 422
        assert is_in(elsewhere)
        done = person.post_form("/app/settings/two-factor/on", {"code": pyotp.TOTP(secret).now()})
        codes = re.findall(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){3}\b", done.text)
        assert done.status_code == 200 and len(set(codes)) == 10
        assert is_in(person.client) and not is_in(elsewhere)
        assert "10 recovery codes are left" in person.get("/app/settings/two-factor").text

        client = world.app.test_client()
        sign_in(client, person.email)
        assert not is_in(client)
        form(client, "/app/sign-in/code", {"code": pyotp.TOTP(secret).now()})
        assert not is_in(client), "the code that turned it on was used"
        form(client, "/app/sign-in/code", {"code": codes[0]})
        assert is_in(client)
        again = form(client, "/app/settings/two-factor/codes", {"current": PASSWORD})
        fresh = re.findall(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){3}\b", again.text)
        assert len(fresh) == 10 and not set(fresh) & set(codes)
        clock.shift(3600)
        assert form(client, "/app/settings/two-factor/off", {"current": "not it at all"}).status_code == 422
        assert form(client, "/app/settings/two-factor/off", {"current": PASSWORD}).status_code == 303
        assert sign_in(world.app.test_client(), person.email).headers["Location"] == "/app"


def test_a_secret_that_was_shown_to_another_is_not_taken(small_world: World) -> None:
    with time_machine.travel(AT, tick=False):
        person, other = signed_in(small_world), signed_in(small_world)
        person.post_form("/app/settings/two-factor/begin", {"current": PASSWORD})
        with person.client.session_transaction() as cookie, other.client.session_transaction() as theirs:
            theirs["totp"] = cookie["totp"]
        assert other.get("/app/settings/two-factor/picture").headers["Location"] == "/app/settings/two-factor"


def test_name_language_and_colours_are_the_persons_own(world: World) -> None:
    person = signed_in(world)
    saved = person.post_form("/app/settings/account", {"name": "  Jānis <b>Bērziņš</b> ", "language": "lv", "theme": "dark"})
    assert saved.status_code == 303
    page = person.get("/app/settings/account").text
    assert '<html lang="lv"' in page and "<b>B" not in page and "Jānis &lt;b&gt;" in page
    with world.database.reading() as conn:
        kept = accounts.by_id(conn, person.account)
    assert kept is not None and (kept.name, kept.language, kept.theme) == ("Jānis <b>Bērziņš</b>", "lv", "dark")
    assert person.post_form("/app/settings/account", {"name": "", "language": "lv"}).status_code == 422
    for wrong in ({"language": "xx"}, {"theme": "pink", "language": "lv"}):
        assert person.post_form("/app/settings/account", {"name": "A", **wrong}).status_code == 422


def test_a_session_in_the_database_is_found_by_nothing_but_its_token(world: World) -> None:
    person = enrol(world)
    with world.database.writing() as conn:
        token = sessions.begin(conn, person.id, world.shop.id, NOW)
        (kept,) = conn.exec_driver_sql("SELECT hash FROM sessions").scalars()
        assert sessions.find(conn, token, NOW) is not None
        assert sessions.find(conn, kept, NOW) is None and sessions.find(conn, "", NOW) is None


def test_an_account_keeps_its_last_used_sessions_only(small_world: World) -> None:
    person = enrol(small_world)
    with small_world.database.writing() as conn:
        for i in range(sessions.MOST + 20):
            sessions.begin(conn, person.id, small_world.shop.id, NOW + i)
        sessions.forget_ended(conn, person.id, NOW + 100)
        left = sessions.of_account(conn, person.id, NOW + 100)
    assert [each.seen for each in left] == [NOW + i for i in reversed(range(20, sessions.MOST + 20))]
