"""Signing in and out: the form, the cookie, the session behind it, and what somebody learns who does not belong here."""

import re
from dataclasses import replace
from typing import Any

import pyotp
import pytest
import redis
import structlog
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from tests.web.conftest import DAY, PASSWORD, World, enrol, signed_in
from widget_server.contract import passwords
from widget_server.contract.settings import Settings
from widget_server.record import accounts, members, sessions
from widget_server.record.db import Database
from widget_server.web.app import create_app
from widget_server.web.dashboard._redirect import safe
from widget_server.web.dashboard._tries import ACCOUNT

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # 160 bits, as ours are
MINUTE = 60
AT = 1_800_000_015  # in the middle of a code's half minute


def form(client: FlaskClient, path: str, data: dict[str, Any], **more: Any) -> TestResponse:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/app/sign-in").text)
    if found is None:
        found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/app/shops").text)
    assert found is not None
    return client.post(path, data={"csrf_token": found[1], **data}, **more)


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, **more: Any) -> TestResponse:
    return form(client, "/app/sign-in", {"email": email, "password": password, **more})


def is_in(client: FlaskClient) -> bool:
    return client.get("/app/settings").status_code == 200


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie("atbalss")
    assert found is not None
    return found.value


def test_who_signs_in_gets_to_the_page_that_was_asked_for(world: World) -> None:
    person, client = enrol(world), world.app.test_client()
    asked = client.get("/app/settings/members?x=1")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/app/sign-in?next=/app/settings/members?x%3D1")
    page = client.get(asked.headers["Location"])
    assert 'value="/app/settings/members?x=1"' in page.text
    done = sign_in(client, person.email.upper(), next="/app/settings/members?x=1")
    assert (done.status_code, done.headers["Location"]) == (303, "/app/settings/members?x=1")
    assert is_in(client)
    assert client.get("/app/sign-in").headers["Location"] == "/app", "once is enough"


def test_signing_out_ends_the_session_and_not_only_the_cookie(world: World) -> None:
    person = signed_in(world)
    kept = cookie(person.client)
    assert person.post_form("/app/sign-out").headers["Location"] == "/app/sign-in"
    assert not is_in(person.client)
    thief = world.app.test_client()
    thief.set_cookie("atbalss", kept)
    assert not is_in(thief)


def test_what_is_wrong_is_told_alike_for_known_and_unknown(world: World) -> None:
    person = enrol(world)
    said = set()
    for email, password in ((person.email, "wrong and long"), ("nobody@people.example", PASSWORD), (person.email, "")):
        reply = sign_in(world.app.test_client(), email, password)
        assert reply.status_code == 422
        said.add(re.sub(r'value="[^"]*"|content="[^"]*"|reset \S+', "", reply.text))
        assert "Set-Cookie" not in reply.headers or "token" not in reply.headers["Set-Cookie"].split("=")[0]
    assert len(said) == 1
    assert "The e-mail or the password is not right." in said.pop()


def test_each_costs_one_hash(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person, hashes = enrol(small_world), []
    real = passwords._hasher.verify
    monkeypatch.setattr(passwords.PasswordHasher, "verify", lambda _, kept, given: hashes.append(kept) or real(kept, given))
    passwords._nobodys.cache_clear()
    sign_in(small_world.app.test_client(), person.email, "wrong and long")
    sign_in(small_world.app.test_client(), "nobody@people.example", "wrong and long")
    assert len(hashes) == 2
    assert len({each.split("$")[3] for each in hashes}) == 1, "and of the same settings"


def test_a_token_from_before_is_worth_nothing_and_a_new_one_comes_with_each_step(world: World) -> None:
    person, client = enrol(world), world.app.test_client()
    client.get("/app/sign-in")
    with client.session_transaction() as before:
        before["token"] = "chosen-by-somebody-else"
        secret = before["csrf_token"]
    sign_in(client, person.email)
    with client.session_transaction() as after:
        first, csrf = after["token"], after.get("csrf_token")
    assert first != "chosen-by-somebody-else" and len(first) >= 43
    assert csrf != secret, "forms that were open before are closed"
    planted = world.app.test_client()
    with planted.session_transaction() as other:
        other["token"] = "chosen-by-somebody-else"
    assert not is_in(planted)
    form(client, "/app/settings/account/password", {"current": PASSWORD, "password": "quite another one"})
    with client.session_transaction() as last:
        assert last["token"] != first
    assert is_in(client)
    with world.database.reading() as conn:
        assert first not in str(conn.exec_driver_sql("SELECT * FROM sessions").all()), "only its hash is kept"


def test_the_cookie_is_for_this_server_and_no_script(small_world: World, settings: Settings) -> None:
    person = enrol(small_world)
    plain = sign_in(small_world.app.test_client(), person.email).headers["Set-Cookie"]
    assert plain.startswith("atbalss=") and "Secure" not in plain
    away = redis.Redis(host="127.0.0.1", port=1, retry=None, socket_timeout=0.1)
    app = create_app(replace(settings, base_url="https://voice.example.com"), small_world.database, away)
    client = app.test_client()
    client.get("/app/sign-in", base_url="https://voice.example.com")
    with client.session_transaction(base_url="https://voice.example.com") as kept:
        assert kept["csrf_token"]
    secure = client.get("/app/sign-in", base_url="https://voice.example.com").headers.get("Set-Cookie")
    secure = secure or app.test_client().get("/app/sign-in", base_url="https://voice.example.com").headers["Set-Cookie"]
    assert secure.startswith("__Host-atbalss=")
    over_https = client.get("/app/sign-in", base_url="https://voice.example.com").headers
    assert over_https["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in small_world.client.get("/app/sign-in").headers
    for said in (plain, secure):
        assert "; HttpOnly" in said and "; SameSite=Lax" in said and "; Path=/" in said and "Domain" not in said
    assert "; Secure" in secure


def test_a_forged_cookie_opens_nothing(small_world: World) -> None:
    person = signed_in(small_world)
    kept = cookie(person.client)
    for i in range(0, len(kept), 7):
        client = small_world.app.test_client()
        client.set_cookie("atbalss", kept[:i] + ("A" if kept[i] != "A" else "B") + kept[i + 1 :])
        assert not is_in(client)


def test_a_session_ends_after_14_idle_and_60_days(world: World) -> None:
    with time_machine.travel(AT, tick=False) as clock:
        person = signed_in(world)
        clock.shift(14 * DAY / 1000 - 1)
        assert is_in(person.client)
        clock.shift(14 * DAY / 1000 - 1)
        assert is_in(person.client), "it was used in between"
        for _ in range(2):
            clock.shift(13 * DAY / 1000)
            assert is_in(person.client)
        clock.shift(6 * DAY / 1000 + 3)
        assert not is_in(person.client), "60 days after it began, however much it was used"
        idle = signed_in(world)
        clock.shift(14 * DAY / 1000)
        assert not is_in(idle.client)


def test_using_a_session_writes_at_most_every_five_minutes(small_world: World) -> None:
    with time_machine.travel(AT, tick=False) as clock:
        person = signed_in(small_world)
        seen = []
        for seconds in (0, 299, 2, 1, 298, 2):
            clock.shift(seconds)
            assert is_in(person.client)
            with small_world.database.reading() as conn:
                seen.append(sessions.of_account(conn, person.account, AT * 1000)[0].seen - AT * 1000)
    assert seen == [0, 0, 301_000, 301_000, 301_000, 602_000]


def test_only_a_handful_of_tries_reach_the_hash_and_the_right_one_works_again_in_time(
    small_world: World, redis_client: "redis.Redis", settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(settings, small_world.database, redis_client)
    person, hashed = enrol(small_world), []
    monkeypatch.setattr(
        "widget_server.web.dashboard._secrets.is_right",
        lambda given, kept: hashed.append(given) or given == PASSWORD,
    )
    with time_machine.travel(AT, tick=False) as clock:
        client = app.test_client()
        token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/app/sign-in").text)
        assert token is not None
        told = []
        for email in (person.email, "nobody@people.example"):
            hashed.clear()
            data = {"csrf_token": token[1], "email": email, "password": "wrong and long"}
            replies = [client.post("/app/sign-in", data=data) for _ in range(40)]
            assert len(hashed) == ACCOUNT.free
            assert [r.status_code for r in replies] == [422] * ACCOUNT.free + [429] * (40 - ACCOUNT.free)
            told.append((replies[-1].headers["Retry-After"], "Too many tries. Try again in 2 seconds." in replies[-1].text))
        assert told == [("2", True)] * 2, "the same for an e-mail that nobody has"
        early = client.post("/app/sign-in", data={**data, "email": person.email, "password": PASSWORD})
        assert early.status_code == 429, "the right one has to wait too, or waiting would tell which is right"
        clock.shift(2)
        done = client.post("/app/sign-in", data={**data, "email": person.email, "password": PASSWORD})
        assert done.status_code == 303
        assert client.get("/app/settings").status_code == 200


def test_a_proxys_word_on_the_address_counts_only_where_it_is_trusted(
    small_world: World, redis_client: "redis.Redis", settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("widget_server.web.dashboard._secrets.is_right", lambda given, kept: False)
    for proxies, through in ((0, 30), (1, 60)):
        redis_client.flushall()
        app = create_app(replace(settings, proxies=proxies), small_world.database, redis_client)
        client = app.test_client()
        token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/app/sign-in").text)
        assert token is not None
        done = [
            client.post(
                "/app/sign-in", data={"csrf_token": token[1], "email": f"p{i}@x.example", "password": "wrong and long"},
                headers={"X-Forwarded-For": f"198.51.{i}.7"}, environ_base={"REMOTE_ADDR": "203.0.113.5"},
            ).status_code
            for i in range(60)
        ]  # fmt: skip
        assert done.count(422) == through


def with_totp(world: World) -> tuple[str, str]:
    person = enrol(world)
    with world.database.writing() as conn:
        accounts.turn_totp_on(conn, person.id, SECRET, 0, ["aaaa-bbbb-cccc-dddd", "eeee-ffff-gggg-hhhh"])
    return person.email, person.id


def test_with_two_factors_the_password_alone_opens_nothing(world: World) -> None:
    email, _ = with_totp(world)
    with time_machine.travel(AT, tick=False):
        client = world.app.test_client()
        step = sign_in(client, email, next="/app/settings")
        assert step.headers["Location"] == "/app/sign-in/code?next=/app/settings"
        assert not is_in(client)
        with client.session_transaction() as kept:
            waiting = kept["token"]
        assert "code" in client.get("/app/sign-in/code").text
        assert form(client, "/app/sign-in/code", {"code": "000000"}).status_code == 422
        done = form(client, "/app/sign-in/code", {"code": pyotp.TOTP(SECRET).now(), "next": "/app/settings"})
        assert (done.status_code, done.headers["Location"]) == (303, "/app/settings")
        with client.session_transaction() as kept:
            assert kept["token"] != waiting
        assert is_in(client)


def test_a_code_works_once_and_so_does_a_recovery_code(world: World) -> None:
    email, account = with_totp(world)

    def enter(code: str) -> bool:
        client = world.app.test_client()
        sign_in(client, email)
        form(client, "/app/sign-in/code", {"code": code})
        return is_in(client)

    with time_machine.travel(AT, tick=False) as clock:
        codes = [pyotp.TOTP(SECRET).at(AT + 30 * n) for n in (-2, -1, 0, 1, 2)]
        assert not enter(codes[0]) and not enter(codes[4]), "clocks may differ by half a minute, not by more"
        assert enter(codes[2])
        assert not enter(codes[2]), "whoever looked over the shoulder is too late"
        assert not enter(codes[1]), "nor does one that came before"
        assert enter(f"{codes[3][:3]} {codes[3][3:]}")
        clock.shift(3600)
        assert enter("AAAA BBBB-cccc dddd")
        assert not enter("aaaa-bbbb-cccc-dddd")
        assert enter("eeeeffffgggghhhh")
        with world.database.reading() as conn:
            assert accounts.codes_left(conn, account) == 0
            assert "aaaa" not in str(conn.exec_driver_sql("SELECT * FROM recovery_codes").all())
            assert SECRET not in str(conn.exec_driver_sql("SELECT * FROM accounts").all())


def test_who_waits_for_the_code_may_not_wait_long_nor_try_often(small_world: World) -> None:
    email, _ = with_totp(small_world)
    with time_machine.travel(AT, tick=False) as clock:
        client = small_world.app.test_client()
        sign_in(client, email)
        told = [form(client, "/app/sign-in/code", {"code": "12345"}).status_code for _ in range(12)]
        assert told == [422] * 5 + [429] * 7
        clock.shift(10 * MINUTE)
        late = form(client, "/app/sign-in/code", {"code": pyotp.TOTP(SECRET).now()})
        assert late.headers["Location"].startswith("/app/sign-in?")
        assert not is_in(client)


def test_an_older_hash_is_made_anew_when_the_password_is_known(small_world: World) -> None:
    person = enrol(small_world)
    older = passwords.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with small_world.database.writing() as conn:
        accounts.set_password(conn, person.id, older)
    client = small_world.app.test_client()
    assert sign_in(client, person.email).status_code == 303
    with small_world.database.reading() as conn:
        kept = accounts.by_id(conn, person.id)
    assert kept is not None and kept.password != older and not passwords.is_outdated(kept.password)


def test_who_is_a_member_of_no_shop_is_told_so_and_not_let_in(small_world: World) -> None:
    person = enrol(small_world, "viewer")
    with small_world.database.writing() as conn:
        members.remove(conn, small_world.shop.id, person.id)
    reply = sign_in(small_world.app.test_client(), person.email)
    assert reply.status_code == 403 and "no member of any shop" in reply.text


def test_a_request_takes_few_statements(world: World) -> None:
    person = signed_in(world, "viewer")  # others are told also what waits for them (_attention.py)
    is_in(person.client)
    said: list[str] = []
    for engine in (world.database._reader, world.database._writer):
        event.listen(engine, "before_cursor_execute", lambda *a: said.append(a[2]))
    assert is_in(person.client)
    statements = [each for each in said if not each.startswith("BEGIN")]
    # The session, its shop with what is asked there, and the open cases that the menu counts.
    assert len(statements) <= 4, statements


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "///evil.example", "////evil.example/app", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
        "https://evil.example", "http:evil.example", "https:/evil.example", "HTTPS://evil.example/app", "javascript:alert(1)",
        "data:text/html,x", "/app@evil.example", "/app.evil.example", "/application", "/", "/docs", "/v1/scores", "app", "app/x",
        " /app/x", "/app/x ", "/app/\tx", "/app/x\n", "/app/x\r\nSet-Cookie: a=b", "/app//evil.example", "/app/..//evil.example",
        "/app/../docs", "/app/./x", "/app/%2e%2e/docs", "/app/%2f%2fevil.example", "/app/%5cevil.example", "/app/x%0d%0aA:b",
        "/app/x#//evil.example", "/app\\..\\evil", "/app;//evil.example", "?next=//evil.example", "/app/x?a=\n", "/app/x?a=<script>",
        "/app/x\0", "/app/ā", "/app/sign-out", "/app/sign-in", "//app/x", "/app/" + "x" * 2000, "http://localhost/app",
        "https://evil.example/app", "/%61pp/x", "/app/x?\\", "\x00/app",
    ],
)  # fmt: skip
def test_nobody_is_sent_elsewhere_after_the_sign_in(small_world: World, target: str) -> None:
    assert safe(target) == "/app"
    client = small_world.app.test_client()
    page = client.get("/app/sign-in", query_string={"next": target})
    # A NUL is nowhere by then, and what is left may be a page of ours.
    assert page.status_code == 200 and f'name="next" value="{safe(target.replace(chr(0), ""))}"' in page.text


@pytest.mark.parametrize(
    "target",
    ["/app", "/app/overview", "/app/answers?question=search-found&q=l%C4%81mpa+1", "/app/questions/one/order-rating", "/app/settings/",
     "/app/searches/query?q=%C4%81bols", "/app/answers?from=2026-11-01&to=2026-11-22", "/app/questions/%C4%81"],
)  # fmt: skip
def test_the_own_pages_are_found_again(target: str) -> None:
    assert safe(target) == target


def test_failures_are_pages_there_and_json_elsewhere(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = signed_in(small_world)
    for client in (person.client, small_world.app.test_client()):
        gone = client.get("/app/no-such-page")
        assert (gone.status_code, gone.mimetype) == (404, "text/html") and "There is nothing here" in gone.text
    assert person.client.post("/app/overview").status_code == 405
    assert person.client.post("/app/shops", data={"x": "y" * 70_000}).status_code == 413
    assert person.post_form("/app/settings/account", {"name": "A", "language": "xx"}).status_code == 422
    assert small_world.client.get("/no-such-page").mimetype == "application/json"

    def broken(*_: object) -> None:
        raise ValueError("kanarejputns")

    monkeypatch.setattr("widget_server.record.shops.by_id", broken)
    failed = person.get("/app/settings")
    assert (failed.status_code, failed.mimetype) == (500, "text/html")
    assert failed.headers["X-Request-Id"] in failed.text and "kanarejputns" not in failed.text


def test_a_database_that_is_away_is_a_page_too(settings: Settings, tmp_path: Any, redis_client: "redis.Redis") -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}", "k" * 32)
    client = create_app(settings, database, redis_client).test_client()
    with client.session_transaction() as kept:
        kept["token"] = "something"
    reply = client.get("/app/settings")
    assert (reply.status_code, reply.mimetype, reply.headers["Retry-After"]) == (503, "text/html", "5")
    assert "Nothing is lost" in reply.text
    database.close()


def test_the_log_says_who_and_no_secret(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person, client = enrol(small_world), small_world.app.test_client()

    def broken(*_: object) -> None:
        raise ValueError("broken")

    with structlog.testing.capture_logs() as lines:
        sign_in(client, person.email, "kanarejputns 123")
        sign_in(client, "kanarejputns@people.example", "kanarejputns 123")
        sign_in(client, person.email)
        with client.session_transaction() as kept:
            token = kept["token"]
        monkeypatch.setattr("widget_server.record.invitations.find", broken)
        assert client.get("/app/invitations/kanarejputns").status_code == 500
    said = [(line["event"], line.get("account")) for line in lines if line["event"].startswith("sign")]
    assert said == [("sign_in_refused", person.id), ("sign_in_refused", None), ("signed_in", person.id)]
    everything = str([{**line, "exc_info": ""} for line in lines])
    assert "/app/invitations/<token>" in everything
    for secret in ("kanarejputns", PASSWORD, person.email, token):
        assert secret not in everything


def test_sample_data_can_be_looked_at_and_not_changed(small_world: World) -> None:
    owner = signed_in(small_world)
    assert owner.post_form("/app/sample").status_code == 303
    assert "sample" in owner.get("/app/settings/members").text
    assert owner.post_form("/app/settings/members/leave").status_code == 403
    refused = owner.post_form("/app/settings/members/invite", {"email": "x@people.example", "role": "owner"})
    assert refused.status_code == 403
    assert owner.post_form("/app/settings/account", {"name": "Anna", "language": "en"}).status_code == 303, "that is one's own"
    assert owner.post_form("/app/sample/leave").status_code == 303
    assert owner.post_form("/app/settings/members/invite", {"email": "x@people.example", "role": "owner"}).status_code == 200


