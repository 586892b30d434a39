"""(e) How long the server takes for each of the owner's pages when there are a hundred times as many answers.

The same shop twice: after its first week, with 10 thousand events, and after two years, with a million. So both have as much
to show of the last days, and what differs is what lies behind them. (Of a shop that is a hundred times quieter pages are
emptier, which is another question.) Searches of 3,000 different queries, few of them often and most of them seldom, clicks,
what shoppers said about them, orders and their ratings, some with a text; of the unhappy some are cases, and others wait in
quarantine.

Every page of the registry whose address needs no name is asked for, and what owners do most beside: filters of every kind,
words that everybody uses, one answer, one search, the first bytes of files. All through the whole Flask app, by a
signed-in owner. What misses a goal is asked for some rounds more, which are added to those before.
"""

import itertools
import random
import resource
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import redis
from flask import Flask
from flask.testing import FlaskClient

from tests.benchmarks import Benchmark, Goal, Result
from tests.benchmarks._sizes import HEADER, KEY, Ask, Compared, by_turns, filled, pour
from tests.servers import ValkeyServer
from widget_server.contract.answer import Answer
from widget_server.contract.sets import SETS
from widget_server.record import accounts, answers, cases, members, questions, sessions, shops
from widget_server.record.answers import Filter
from widget_server.record.db import Database
from widget_server.run import config
from widget_server.run.application import settle
from widget_server.web.app import create_app

_PRODUCTS, _QUERIES = 2_000, 3_000
_EVERY = 63_072
"""ms from one event to the next: a million are two years."""
_ROUNDS, _AGAIN = 40, 80
_MOST_MS, _MOST_RATIO = 60.0, 1.5
_LANGUAGES = ("lv", "lt", "et", "ru", "en")
_WORDS = ("krēsls", "galds", "lampa", "zaļš", "liels", "bērnu", "koka", "lina", "paklājs", "spogulis", "plaukts", "vāze")
_UNHAPPY = Filter(buckets=("no", "1", "2"), with_text=True)
# Beside the pages themselves: what owners do most.
_MORE = (
    "/app/overview?period=90&compare=1",
    "/app/overview?period=7",
    "/app/searches?period=90&sort=not_found",
    "/app/searches?period=7&sort=searches",
    "/app/searches?sort=share_not_found",
    "/app/searches?q=lampa",
    "/app/searches?corner=results_no",
    "/app/searches/query?q=krēsls 0",
    "/app/searches/query?q=krēsls 0&period=90",
    "/app/questions/one/search-found",
    "/app/answers?period=90",
    "/app/answers?question=search-found&value=no&period=30",
    "/app/answers?lang=ru",
    "/app/answers?product=product-0001",
    "/app/answers?query=krēsls 0&value=no",
    "/app/answers?verified=no",
    "/app/answers?text=yes",
    "/app/answers?quarantined=yes",
    "/app/answers?case=open",
    "/app/answers?case=none",
    "/app/answers?question=order-rating&low=1&high=3&text=yes&lang=lv",
    "/app/answers?q=krēsls",
    "/app/answers?q=koka krēsls",
    "/app/answers?q=krēsls&lang=ru&question=search-found",
    "/app/answers?q=nobody wrote that",
    "/app/answers/cases?done=yes",
)
_ANSWERS = "/app/settings/export/file?what=answers&form=csv"
# Only how soon they begin is asked: how long they take grows with what is in them.
_FILES = (
    "/app/searches/export?period=90",
    _ANSWERS,
    "/app/settings/export/file?what=everything&form=json",
    "/app/settings/export/file?what=everything&form=csv",
)


def measure() -> Result:
    """Both databases, both sizes."""
    rows: list[tuple[str, ...]] = []
    goals: list[Goal] = []
    limits = []
    with filled(fill) as databases:
        for each in databases:
            limits.append(f"{each.name} was filled in {each.seconds:.0f} s.")
            with _visiting(each.urls) as (small, large):
                found = _times(small, large)
                limits.append(_whole_file(each.name, large))
            rows += [(f"{each.name} {what}", *compared.cells()) for what, compared in found.items()]
            goals += _goals(each.name, found)
    return Result(("GET", *HEADER), rows, goals, limits)


def _goals(name: str, found: Mapping[str, Compared]) -> list[Goal]:
    """Those missed; and of each kind the one that comes nearest to that."""
    times = {what: Goal(f"{name} {what}: p95 ms after a million events", each.large.p95, _MOST_MS, most=True) for what, each in found.items()}
    ratios = {
        what: Goal(f"{name} {what}: p95 with a hundred times the events", each.ratio, _MOST_RATIO, most=True)
        for what, each in found.items()
    }
    made = []
    for kind in (times, ratios):
        ordered = sorted(kind.values(), key=lambda goal: goal.reached, reverse=True)
        made += [goal for goal in ordered if not goal.held] or ordered[:1]
    return made


def _holds(each: Compared) -> bool:
    return each.large.p95 <= _MOST_MS and each.ratio <= _MOST_RATIO


def fill(url: str, size: int) -> None:
    """A shop with `size` events, in the order of their times, and what its owner did about some of them."""
    database = Database(url, KEY)
    database.migrate()
    with database.writing() as conn:
        shop = shops.create(conn, "Bench", "shop.example").id
        shops.set_up(conn, shop)
        for name in ("recommend", "product-info", "delivery-rating"):
            questions.create(conn, shop, SETS[name].question())
    pour(database, _bodies(shop, size))
    see_to(database, shop, size)
    with database.writing() as conn:
        conn.exec_driver_sql("ANALYZE")
    database.close()


def see_to(database: Database, shop: str, size: int) -> None:
    """Of the unhappy ones with words the newest are cases, half of them solved; others are in quarantine. Enough to fill a
    page of each."""
    now = int(time.time() * 1000)
    with database.reading() as conn:
        unhappy = answers.newest(conn, shop, _UNHAPPY, None, max(400, size // 100))
    with database.writing() as conn:
        names = [(answer.question, answer.key) for answer in unhappy[::2]]
        cases.make(conn, shop, names, None, now)
        cases.change(conn, shop, names[::2], {"status": "solved"}, None, now)
    pour(database, (_decision(shop, answer, now) for answer in unhappy[1::2]))


def _decision(shop: str, answer: Answer, now: int) -> bytes:
    decided = {
        "id": str(uuid.uuid4()), "type": "answer.quarantined", "at": now, "question": answer.question, "key": answer.key,
        "reason": "Not about us.",
    }  # fmt: skip
    return orjson.dumps({"shop": shop, "source": "owner", "received": now, "event": decided})


def _bodies(shop: str, size: int) -> Iterator[bytes]:
    rng = random.Random(11)
    now = int(time.time() * 1000)
    source = {"order.placed": "platform"}
    made = 0
    while made < size:
        at = now - (size - made) * _EVERY
        for event in itertools.islice(_events(rng, at, made), size - made):
            made += 1
            kind = str(event["type"])
            yield orjson.dumps({"shop": shop, "source": source.get(kind, "browser"), "received": at, "event": event})


def _events(rng: random.Random, at: int, number: int) -> Iterator[dict[str, Any]]:
    """One shopper: a search and what came of it, or an order and its rating, or an answer to something else."""

    def event(kind: str, **fields: Any) -> dict[str, Any]:
        return {"id": str(uuid.UUID(int=rng.getrandbits(128))), "type": kind, "at": at, **fields}

    page = {"page": {"lang": rng.choice(_LANGUAGES)}}
    which = rng.random()
    words = f"{rng.choice(_WORDS)} {rng.choice(_WORDS)}" if rng.random() < 0.3 else None
    if which < 0.55:
        which_query = min(_QUERIES - 1, int(rng.paretovariate(0.8)) - 1)
        query = {"id": str(number), "query": f"{_WORDS[which_query % len(_WORDS)]} {which_query}", "results": rng.choice((0, 3, 12, 40))}
        yield event("search.performed", search=query, **page)
        if query["results"] and rng.random() < 0.3:
            yield event("result.clicked", search={"id": query["id"], "query": query["query"], "position": rng.randint(1, 9)}, **page)
        if rng.random() < 0.6:
            about = {"question": "search-found", "placement": "search", "search": query, **page}
            value = "no" if rng.random() < 0.2 + 0.6 * (which_query % 3 == 0) else "yes"
            yield event("answer.given", value=value, **about, **({"text": words} if words and value == "no" else {}))
    elif which < 0.85:
        product = f"product-{rng.randrange(_PRODUCTS):04}"
        line = {"line": "1", "product": product, "quantity": 1, "price": "25.00"}
        order = {"ref": f"B-{number}", "customer": f"C-{number // 3}", "currency": "EUR", "total": "25.00", "lines": [line]}
        yield event("order.placed", order=order)
        told = {"question": "order-rating", "placement": "order", "order": {"ref": f"B-{number}", "line": None, "sku": [product]}, **page}
        yield event("answer.given", value=rng.choice((1, 2, 3, 4, 4, 5, 5, 5)), **told, **({"text": words} if words else {}))
    else:
        answered: tuple[str, int | str] = rng.choice((("recommend", rng.randint(0, 10)), ("product-info", "yes"), ("delivery-rating", rng.randint(1, 5))))
        yield event("answer.given", question=answered[0], value=answered[1], **page)


@dataclass(frozen=True)
class _Visitor:
    """An owner who is signed in."""

    app: Flask
    client: FlaskClient
    database: Database

    def asks(self, path: str) -> Ask:
        def ask() -> None:
            reply = self.client.get(path)
            if reply.status_code != 200:
                raise RuntimeError(f"{path} says {reply.status_code}")

        return ask

    def begins(self, path: str) -> Ask:
        """Until the first piece of a file is there."""

        def ask() -> Callable[[], object]:
            reply = self.client.get(path, buffered=False)
            assert reply.status_code == 200
            next(reply.iter_encoded())
            return reply.close

        return ask

    def names(self) -> dict[str, str]:
        """Addresses that need a name which only this shop has."""
        with self.database.reading() as conn:
            (shop,) = shops.every(conn)
            (rated,) = answers.newest(conn, shop.id, Filter(question="order-rating", with_text=True), None, 1)
            case = cases.ended(conn, shop.id, cases.Wanted(), None, 1)[0]
        return {
            "one answer": f"/app/answers/one?{urlencode({'question': rated.question, 'key': rated.key})}",
            "one case": f"/app/answers/one?{urlencode({'question': case.question, 'key': case.key})}",
        }


@contextmanager
def _visiting(urls: tuple[str, str]) -> Iterator[tuple[_Visitor, _Visitor]]:
    """Owners of both sizes, as long as it lasts."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        valkey = ValkeyServer()
        stack.callback(valkey.stop)
        stream = stack.enter_context(valkey.client())
        databases = [Database(url, KEY) for url in urls]
        for database in databases:
            stack.callback(database.close)
        small, large = (_owner(folder, database, stream) for database in databases)
        yield small, large


def _times(small: _Visitor, large: _Visitor) -> dict[str, Compared]:
    asks = {path: (small.asks(path), large.asks(path)) for path in (*_pages(small), *_MORE)}
    named = small.names(), large.names()
    asks |= {what: (small.asks(named[0][what]), large.asks(named[1][what])) for what in named[0]}
    asks |= {f"begin of {path}": (small.begins(path), large.begins(path)) for path in _FILES}
    settle()
    found = by_turns(asks, _ROUNDS)
    missed = {what: asks[what] for what, each in found.items() if not _holds(each)}
    return found | by_turns(missed, _AGAIN, found)


def _whole_file(name: str, large: _Visitor) -> str:
    """All answers of the large shop, and what it costs to hand them out."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    reply = large.client.get(_ANSWERS, buffered=False)
    size = sum(map(len, reply.iter_encoded()))
    reply.close()
    took = time.perf_counter() - began
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return f"{name}: all answers as a file are {size / 1e6:.0f} MB, there after {took:.0f} s, for {more / 1024:.0f} MB of memory more than pages need."


def _pages(visitor: _Visitor) -> list[str]:
    """Every page whose address needs no name; what is no page of HTML (exports, pictures) and what leads on is left out."""
    rules = sorted(
        rule.rule for rule in visitor.app.url_map.iter_rules()
        if rule.rule.startswith("/app/") and "GET" in (rule.methods or ()) and not rule.arguments
    )  # fmt: skip
    found = []
    for path in rules:
        if "sign-in" in path:
            continue
        reply = visitor.client.get(path)
        if reply.status_code == 200 and reply.mimetype == "text/html":
            found.append(path)
    return found


def _owner(folder: Path, database: Database, stream: redis.Redis) -> _Visitor:
    """The app on a database, and an owner signed in."""
    now = time.time_ns() // 1_000_000
    with database.writing() as conn:
        (shop,) = shops.every(conn)
        # PostgreSQL's copy has the owner of SQLite's too.
        made = accounts.create(conn, f"owner-{now}@people.example", "Owner", "en", "no password", now)
        members.add(conn, shop.id, made.id, "owner", now)
        token = sessions.begin(conn, made.id, shop.id, now)
    app = create_app(config.load({"ATBALSS_SECRET_KEY": KEY}, folder / "data"), database, stream)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["token"] = token
    return _Visitor(app, client, database)


BENCHMARK = Benchmark("e", "The owner's pages after 10 thousand and after 1 million events", measure)
