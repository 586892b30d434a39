"""What shoppers and platforms write is words on every page of the owner's, whatever it looks like: in a real browser
nothing of it runs, loads or leads away, nothing had to be stopped by the pages' policy, and it stands there to be read.
"""

import csv
import io
import json
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
import redis
from playwright.sync_api import Browser, Dialog, expect

from tests.conftest import SECRET_KEY
from tests.pipeline.envelopes import envelope, event
from widget_server.act.pipeline import process
from widget_server.contract.events import EVENT_TYPES
from widget_server.contract.sets import SETS
from widget_server.contract.times import format_time
from widget_server.intake import seen
from widget_server.record import (
    accounts,
    connections,
    endpoints,
    outbox,
    questions,
    sessions,
    setaside,
)
from widget_server.record.db import Database
from widget_server.record.outbox import Attempt
from widget_server.web.dashboard._everything import KINDS

from .office import Office, endpoints_of_pages
from .payloads import IN_LINES, PAYLOADS
from .test_pages import FILES, PARTS

pytestmark = pytest.mark.browser

HOUR = 3_600_000
# A customer's groups; so many customers have all payloads among theirs.
_GROUPS = 20
# A delivery's page shows so many tries.
_TRIES = 50
# So often the worst searches were made.
_OFTEN = 60
EXPORTS = [
    "/app/searches/export?period=30",
    *(
        f"/app/settings/export/file?what={what}&form={form}&people=1"
        for what in (*KINDS, "everything")
        for form in ("csv", "json")
    ),
]

# Before anything of the page: what payloads call says so in the console, and so does whatever a policy stops.
CANARY = """() => {
  window.__hit = (...what) => console.error(`HIT ${what}`);
  window.print = window.__hit;
  addEventListener("securitypolicyviolation", (e) => console.error(`STOPPED ${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
}"""

# What would run or lead away once somebody touches it; no page of ours has any of it. And all the words of the page.
LOOK = """() => {
  const wrong = [...document.querySelectorAll("object, embed, applet, base, math, marquee, portal, frameset, xss, svg script, svg foreignObject, body style, body meta, body link, iframe[srcdoc]")];
  for (const e of document.querySelectorAll("*")) for (const {name, value} of e.attributes) {
    const leads = ["href", "xlink:href", "src", "action", "formaction", "data", "ping", "poster", "srcset"].includes(name);
    const where = value.replace(/[\\u0000-\\u0020]/g, "").toLowerCase();
    if (name.startsWith("on") || (leads && (/^(javascript|vbscript|data):/.test(where) && !(e.localName === "img" && where.startsWith("data:image/")) || /^[a-z]*:?[/\\\\]*evil[.]/.test(where))) || (/^(data-)?hx-(get|post|put|delete|on|vals)/.test(name) && /evil|__hit/.test(where))) wrong.push(e);
  }
  const filled = [...document.querySelectorAll("input, textarea")].map((e) => e.value);
  return [wrong.map((e) => e.outerHTML.slice(0, 200)), [document.documentElement.textContent, ...filled].join(" ")];
}"""


class Watch:
    """A page, and what it did that pages of ours never do."""

    def __init__(self, browser: Browser, office: Office) -> None:
        self._context = office.context(browser)
        self._home = office.url
        self.page = self._context.new_page()
        self.page.add_init_script(f"({CANARY})()")
        self.found: list[str] = []
        self.page.on("dialog", self._dismiss)
        self.page.on(
            "console",
            lambda it: self.found.append(f"{it.text} ({it.location['url']})") if it.type in ("error", "warning") else None,
        )
        self.page.on("pageerror", lambda error: self.found.append(str(error)))
        self._context.on("request", lambda asked: self._note(asked.url))
        self._context.on("page", lambda page: self.found.append(f"opened {page.url}"))

    def open(self, address: str) -> str:
        """The page's words, blanks evened out."""
        reply = self.page.goto(address)
        assert reply is not None and reply.status == 200, address
        words = self.look()
        if not self.page.url.startswith(f"{self._home}/app/"):
            self.found.append(f"led to {self.page.url}")
        assert self.found == [], address
        return words

    def look(self) -> str:
        wrong, words = self.page.evaluate(LOOK)
        self.found += wrong
        return even(words)

    def close(self) -> None:
        self._context.close()

    def _dismiss(self, dialog: Dialog) -> None:
        self.found.append(f"asked {dialog.message}")
        dialog.dismiss()

    def _note(self, url: str) -> None:
        if not url.startswith((f"{self._home}/", "data:", "about:", "blob:")):
            self.found.append(f"fetched {url}")


def even(text: str) -> str:
    return " ".join(text.split())


def missing(words: str) -> list[str]:
    return [each for each in PAYLOADS if even(each) not in words]


def at(number: int) -> str:
    return PAYLOADS[number % len(PAYLOADS)]


def buyer(start: int) -> int:
    """Which of a group's orders is opened: the first that stands as it is in the key of its answer."""
    return next(number for number in range(start, start + _GROUPS) if not set(at(number)) & set(":%"))


def checked(made: dict[str, Any]) -> dict[str, Any]:
    """An event as it may really come."""
    known = EVENT_TYPES[made["type"]]
    given = {**made, "at": format_time(made["at"])}
    if known.source == "browser":
        given.pop("order", None)
    assert known.check(given) == {}, made
    return made


def from_shoppers(now: int) -> Iterator[dict[str, Any]]:
    """Every payload as every field, newest last; the first is what is searched for most."""
    for number, words in enumerate(PAYLOADS):
        when = now - HOUR + number
        search = {"id": str(uuid.uuid4()), "query": words, "results": 0}
        page = {"url": f"https://shop.example/?{at(number + 3)}", "lang": "lv"}
        for _ in range(_OFTEN if number < 3 else 1):
            yield checked(
                event("search.performed", when, search={**search, "id": str(uuid.uuid4())}, page=page)
            )
        about: dict[str, Any] = {
            "search": search,
            "page": page,
            "placement": "search",
            "question": "search-found",
        }
        for _ in range(12 if number < 3 else 1):
            given = {"value": "no", "text": words, "product": at(number + 5), "answer": str(uuid.uuid4())}
            yield checked(event("answer.given", when, **about, **given))
        why = {"question": "why", "value": words, "page": {"url": words}, "answer": str(uuid.uuid4())}
        yield checked(event("answer.given", when - HOUR, **why))
        # What came in a token is in the event; the intake puts it there.
        rated = {"question": "order-rating", "value": 1, "text": at(number + 7), "answer": str(uuid.uuid4())}
        order = {"ref": words, "line": None, "sku": [words]}
        yield checked(event("answer.given", when - 2 * HOUR, **rated, product=words, order=order))
    for words in IN_LINES:
        yield checked(
            event("answer.given", now - HOUR, question="order-rating", text=words, answer=str(uuid.uuid4()))
        )
    for number in range(0, len(PAYLOADS), 10):
        trapped = {"question": "search-found", "value": "no", "text": at(number), "answer": str(uuid.uuid4())}
        yield event(
            "answer.given", now - 3 * HOUR, **trapped, marks=["trap"], search={"query": at(number + 1)}
        )
        # Neither gets past the intake; were it to, it would be words as well.
        odd = {"page": {"lang": at(number + 2), "url": at(number + 3)}, "placement": at(number + 4)}
        yield event(
            "answer.given",
            now - 3 * HOUR,
            question="search-found",
            value="no",
            answer=str(uuid.uuid4()),
            **odd,
        )


def from_platforms(now: int) -> Iterator[dict[str, Any]]:
    for number, words in enumerate(PAYLOADS):
        lines = [
            {
                "line": words,
                "product": words,
                "name": at(number + 9),
                "category": at(number + 11),
                "quantity": 1,
                "price": "1.00",
            }
        ]
        order = {
            "ref": words,
            "customer": at(number + 1),
            "status": "completed",
            "currency": "EUR",
            "total": "1.00",
            "lines": lines,
        }
        yield checked(event("order.placed", now - 3 * HOUR, order=order))
    for start in range(0, len(PAYLOADS), _GROUPS):
        # A group is a plain name by the contract; this is what stands behind it.
        groups = PAYLOADS[start : start + _GROUPS]
        yield event(
            "customer.updated", now - 3 * HOUR, customer={"ref": at(buyer(start) + 1), "segments": groups}
        )


def plant(office: Office, database: Database, redis_url: str) -> list[str]:
    """All of it everywhere. Gives the addresses of what has a page of its own besides answers and searches."""
    now, shop = time.time_ns() // 1_000_000, office.shop.id
    with database.writing() as conn:
        questions.create(conn, shop, SETS["why-us"].question("why"))
        goals = [
            endpoints.create(
                conn,
                shop,
                f"https://goal.example/{'/'.join(PAYLOADS[start : start + 25])}",
                ("answer.given",),
                now,
            )[0].id
            for start in range(0, len(PAYLOADS), 25)
        ]
        linked = [
            connections.create(conn, shop, "woocommerce", " ".join(PAYLOADS[start : start + 20]), {
                "url": f"https://127.0.0.1/{at(start)}", "consumer_key": at(start + 1), "consumer_secret": "s", "secret": "s",
            }, now).id
            for start in range(0, len(PAYLOADS), 20)
        ]  # fmt: skip
    process(database, [envelope(shop, each, "platform") for each in from_platforms(now)])
    told = [envelope(shop, each) for each in from_shoppers(now)]
    # The first answer, of which every endpoint is to hear.
    process(database, told[: _OFTEN + 1])
    with database.writing() as conn:
        owner = accounts.by_email(conn, "en@mezmala.example")
        assert owner is not None
        for words in PAYLOADS:
            sessions.begin(conn, owner.id, shop, now, agent=words)
            setaside.add(conn, envelope(shop, {"type": words}), words, words)
        claimed = outbox.claim(conn, now=now + 1000, lease=HOUR, limit=100, by="test", each=1)
        rows = [row for row in claimed if row.endpoint in goals][: -(-len(PAYLOADS) // _TRIES)]
        for number, words in enumerate(PAYLOADS):
            tried = Attempt(now, (404, 500, None)[number % 3], words, 5, words, words)
            outbox.retry_later(conn, rows[number // _TRIES], tried, now + HOUR)
        for number, goal in enumerate(goals):
            endpoints.disable(conn, goal, at(25 * number), now)
        for number, link in enumerate(linked):
            health = {"problems": PAYLOADS[20 * number : 20 * number + 20], "checked_at": at(number)}
            connections.set_health(conn, link, orjson.dumps(health).decode())
            if number % 2:
                connections.pause(conn, link, at(20 * number), now)
    process(database, told[_OFTEN + 1 :])
    client = redis.Redis.from_url(redis_url)
    client.set(seen.REFUSED + shop, json.dumps({"at": now, "origin": " ".join(PAYLOADS)}))
    client.close()
    return [
        *(f"/app/deliveries/log/{row.id}" for row in rows),
        *(f"/app/deliveries/endpoints/{goal}" for goal in goals),
        *(f"/app/deliveries/connections/{link}" for link in linked),
    ]


@pytest.fixture(scope="module")
def planted(office: Office) -> Iterator[tuple[Office, list[str]]]:
    """The owner's office, and where the planted deliveries, endpoints and connections are."""
    database = Database(office.database_url, SECRET_KEY)
    yield office, plant(office, database, office.redis_url)
    database.close()


@pytest.fixture
def watch(browser: Browser, planted: tuple[Office, list[str]]) -> Iterator[Watch]:
    made = Watch(browser, planted[0])
    yield made
    made.close()


def read_on(watch: Watch, address: str, most: int) -> Iterator[str]:
    """The words of a list, page by page."""
    for _ in range(most):
        yield watch.open(address)
        more = watch.page.locator("a[rel=next]")
        if not more.count():
            return
        address = more.get_attribute("href") or ""


def test_every_page(planted: tuple[Office, list[str]], watch: Watch) -> None:
    office, addresses = planted
    names = sorted(set(endpoints_of_pages()) - set(FILES) - PARTS)
    seen_on = {name: watch.open(office.address(name)) for name in names}
    assert any(even(at(number)) in seen_on["overview.show"] for number in range(3))
    told = {"log": "", "endpoints": "", "connections": ""}
    for address in addresses:
        told[address.split("/")[3]] += watch.open(address) + " "
    assert {kind: missing(words) for kind, words in told.items()} == {
        "log": [],
        "endpoints": [],
        "connections": [],
    }


def test_searches(watch: Watch) -> None:
    assert missing(" ".join(read_on(watch, "/app/searches?period=30", 12))) == []
    for number in range(0, len(PAYLOADS), 10):
        words = watch.open(f"/app/searches/query?{urlencode({'q': at(number)})}")
        assert even(at(number)) in words


def test_answers(watch: Watch) -> None:
    links: list[str] = []
    for question in ("search-found", "why", "order-rating"):
        listed = ""
        for words in read_on(watch, f"/app/answers?question={question}", 8):
            listed += words + " "
            links += watch.page.locator("[data-open]").evaluate_all(
                "(all) => all.map((e) => e.getAttribute('href'))"
            )
        assert missing(listed) == []
    for link in links[::60]:
        watch.open(link)
    assert at(0) in watch.open("/app/answers?quarantined=yes")


def test_who_it_was(watch: Watch) -> None:
    """A customer's name and groups, once they are opened."""
    told = ""
    for start in range(0, len(PAYLOADS), _GROUPS):
        watch.open(
            f"/app/answers/one?{urlencode({'question': 'order-rating', 'key': f'order:{at(buyer(start))}'})}"
        )
        watch.page.get_by_role("button", name="Open personal data").click()
        expect(watch.page.get_by_text("That you looked is noted below.")).to_be_visible()
        # The last card of the page, so that all of it has come.
        expect(watch.page.get_by_label("A note for your colleagues")).to_be_visible()
        words = watch.look()
        assert even(at(buyer(start) + 1)) in words
        told += words
    assert watch.found == []
    assert missing(told) == []


def test_what_is_asked_for_in_the_address(watch: Watch) -> None:
    names = ("q", "query", "product", "placement", "lang", "value", "from", "period", "who", "list")
    for start in range(0, len(PAYLOADS), len(names)):
        asked = {name: at(start + number) for number, name in enumerate(names)}
        words = watch.open(f"/app/answers?{urlencode(asked)}")
        assert even(asked["q"]) in words
        if start % 50 == 0:
            one = {"question": "order-rating", "key": f"order:{at(buyer(start))}", "list": at(start + 5)}
            watch.open(f"/app/answers/one?{urlencode(one)}")
            watch.open(
                f"/app/searches?{urlencode({'q': at(start), 'sort': at(start + 1), 'corner': at(start + 2)})}"
            )


def test_exports_are_files_that_run_nothing(planted: tuple[Office, list[str]], watch: Watch) -> None:
    office, _ = planted
    watch.open("/app/settings/export")
    (cookie,) = watch.page.context.cookies()
    for address in EXPORTS:
        with watch.page.expect_download() as coming:
            watch.page.evaluate("(address) => { location.href = address }", address)
        body = Path(coming.value.path()).read_bytes()
        asked = urllib.request.Request(
            office.url + address, headers={"Cookie": f"atbalss={cookie.get('value')}"}
        )
        with urllib.request.urlopen(asked, timeout=30) as reply:
            kind, headers = reply.headers.get_content_type(), reply.headers
            assert reply.read()
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"].startswith("attachment; filename=")
        if "form=json" in address:
            assert kind == "application/json"
            json.loads(body)
            # As a browser shows it that keeps nothing: by the type that it came with.
            shown = {"body": body, "headers": {"Content-Type": kind, "X-Content-Type-Options": "nosniff"}}
            watch.page.route("**/shown", lambda route, _asked, shown=shown: route.fulfill(**shown))
            watch.page.goto("/shown")
            watch.look()
            watch.page.unroute("**/shown")
            watch.page.goto("/app/settings/export")
        elif "everything" in address:
            assert kind == "application/zip"
            with zipfile.ZipFile(io.BytesIO(body)) as files:
                tables = [files.read(name) for name in files.namelist() if name.endswith(".csv")]
            assert len(tables) >= len(KINDS) - 1
            assert [cell for table in tables for cell in cells(table) if is_formula(cell)] == []
        else:
            assert kind == "text/csv"
            assert [cell for cell in cells(body) if is_formula(cell)] == []
    assert watch.found == []


def cells(body: bytes) -> list[str]:
    """Everything in a file, also what a spreadsheet takes for a cell that expects semicolons or breaks at every line."""
    text = body.decode("utf-8-sig")
    whole = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert whole
    return whole + [part for cell in whole for part in cell.replace(";", "\n").splitlines()]


def is_formula(cell: str) -> bool:
    if cell[:1] not in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


def test_the_canary_sees_what_is_drawn_unsafely(browser: Browser, planted: tuple[Office, list[str]]) -> None:
    """The same payloads as markup: most of the tags do something, and whatever does is seen."""
    silent = []
    for number in range(0, len(PAYLOADS), 15):
        watch = Watch(browser, planted[0])
        watch.page.goto("about:blank")
        watch.page.set_content(f'<p title="{at(number)}">{at(number)}</p>', wait_until="domcontentloaded")
        watch.look()
        silent += [] if watch.found else [at(number)]
        watch.close()
    assert len(silent) < len(PAYLOADS) / 15 / 2, silent
