"""/v1/openapi.json is the whole truth: every route is in it, and a server asked by it answers as it says."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.conftest import SECRET_KEY
from tests.pipeline.envelopes import NOW, envelope
from tests.web.conftest import World, answer
from tests.web.live import LiveServer
from tests.web.test_docs_page import parse_curl
from widget_server.act import loyalty
from widget_server.act.pipeline import process
from widget_server.contract.events import BROWSER
from widget_server.contract.metrics import metrics
from widget_server.contract.tokens import sign_order_token
from widget_server.record import endpoints, outbox, shops
from widget_server.record.db import Database

COLLECTOR = {
    ("GET", "/v1/shops/{site_key}/ask"),
    ("POST", "/v1/shops/{site_key}/answers"),
    ("POST", "/v1/shops/{site_key}/asked"),
}
# More for a longer run: `SCHEMATHESIS_EXAMPLES=500 pytest tests/web/test_openapi.py`.
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "10")
# The stricter of the two always (it takes no NUL, for example), both in a longer run.
DATABASES = ["postgres_url", "sqlite_url"] if EXAMPLES != "10" else ["postgres_url"]
# What a schema can't say: whether an order token is signed by the shop, and whether text can be read on its background.
_CONFIG = """
[parameters]
"path.site_key" = "{site_key}"
"path.delivery" = "{delivery}"
"path.name" = "search-found"
"path.customer" = "4711"

# Which settings and texts a question may have depends on its type, its placement and on one another.
[[operations]]
include-name = "POST /v1/questions"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422]

[[operations]]
include-name = "PATCH /v1/questions/{{name}}"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422]

[[operations]]
include-name = "POST /v1/previews"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 422]

[[operations]]
include-name = "POST /v1/shops/{{site_key}}/answers"
checks.positive_data_acceptance.expected-statuses = ["2xx", 422]

# Which conditions and actions go together, whose endpoint it is, and what a number means in its currency.
[[operations]]
include-name = "POST /v1/rules"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422]

[[operations]]
include-name = "POST /v1/dry-runs"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422]

[[operations]]
include-name = "PATCH /v1/rules/{{rule}}"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422]

# Which settings a platform has, and which of them are needed.
[[operations]]
include-name = "POST /v1/connections"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422]

[[operations]]
include-name = "PATCH /v1/connections/{{connection}}"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422]

# Whether a body is signed by the platform.
[[operations]]
include-name = "POST /v1/hooks/{{platform}}/{{connection}}"
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 404]

# Whether the balance pays for it, and which currency an amount is of.
[[operations]]
include-name = "POST /v1/points/{{customer}}/redeem"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422]

[[operations]]
include-name = "POST /v1/points/{{customer}}/adjust"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422]

[[operations]]
include-name = "PUT /v1/loyalty"
checks.positive_data_acceptance.expected-statuses = ["2xx", 422]

[[operations]]
include-name = "PUT /v1/widget"
checks.positive_data_acceptance.expected-statuses = ["2xx", 422]

[[operations]]
include-name = "POST /v1/shops/{{site_key}}/asked"
checks.positive_data_acceptance.expected-statuses = ["2xx", 422]
"""


@pytest.fixture
def document(small_world: World) -> Any:
    return orjson.loads(small_world.client.get("/v1/openapi.json").data)


def test_every_route_of_the_api_is_in_the_document(small_world: World, document: Any) -> None:
    there = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in small_world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/v1/") and rule.rule != "/v1/openapi.json"
    }
    said = {(method.upper(), path) for path, item in document["paths"].items() for method in item if method != "parameters"}
    assert said == there | COLLECTOR


def test_the_document_knows_metrics_and_events(document: Any) -> None:
    (metric,) = [p for p in document["paths"]["/v1/scores"]["get"]["parameters"] if p["name"] == "metric"]
    assert metric["required"] is True
    assert metric["schema"]["enum"] == sorted(metrics())
    batch = document["components"]["schemas"]["Batch"]["properties"]["events"]
    assert batch["maxItems"] == 50
    assert len(batch["items"]["anyOf"]) == len(BROWSER)


def test_refusals_have_one_shape(document: Any) -> None:
    refusals = [
        reply["content"]["application/json"]["schema"]
        for item in document["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
        for status, reply in operation["responses"].items()
        if int(status) >= 400
    ]
    assert refusals
    assert all(schema == {"$ref": "#/components/schemas/Error"} for schema in refusals)


@pytest.fixture(params=DATABASES)
def live(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> Iterator[tuple[LiveServer, dict[str, str]]]:
    """A web process whose shop has something of everything, and what names it."""
    database_url = request.getfixturevalue(request.param)
    database = Database(database_url, SECRET_KEY)
    with database.writing() as conn:
        made = shops.create(conn, "Shop", "shop.example", "Europe/Riga")
        endpoint, _ = endpoints.create(conn, made.id, "https://example.com/", ("answer.given",), NOW)
    events = [answer("order-rating", 5, product="p"), answer("search-found", "no", text="?", search={"query": "q"})]
    process(database, [envelope(made.id, each) for each in events])
    with database.writing() as conn:
        loyalty.adjust(conn, made.id, "4711", "first", 1_000_000, "a present", NOW)
    with database.writing() as conn:
        delivery = outbox.deliveries(conn, shop=made.id)[0].id
        outbox.kill_queued(conn, endpoint.id, "it is over", NOW)
    database.close()
    server = LiveServer(tmp_path / "data", database_url=database_url, redis_url=redis_url, secret_key=SECRET_KEY)
    yield server, {
        "site_key": made.site_key, "api_key": made.api_key, "delivery": delivery,
        "order_token": sign_order_token(made.order_token_secret, _claims(made.site_key)),
    }  # fmt: skip
    server.stop()


def _claims(site_key: str) -> dict[str, Any]:
    now = int(time.time())
    return {"site": site_key, "order": "100", "iat": now, "exp": now + 60, "jti": "1", "use": "rate"}


def test_the_examples_of_the_snippets_routes_run_as_they_stand(live: tuple[LiveServer, dict[str, str]]) -> None:
    server, names = live
    with urllib.request.urlopen(f"{server.url}/v1/openapi.json") as reply:
        document = orjson.loads(reply.read())
    answered = {}
    for method, path in COLLECTOR:
        line = document["paths"][path][method.lower()]["x-codeSamples"][0]["source"]
        for variable, value in (
            ("$HOST", server.url), ("$SITE_KEY", names["site_key"]), ("$ORDER_TOKEN", names["order_token"])
        ):  # fmt: skip
            line = line.replace(variable, value)
        sent_method, url, headers, data = parse_curl(line)
        request = urllib.request.Request(
            url, method=sent_method, headers=headers, data=None if data is None else data.encode()
        )
        with urllib.request.urlopen(request, timeout=10) as reply:
            answered[path.rpartition("/")[2]] = (reply.status, orjson.loads(reply.read()))
    assert answered["ask"][0] == 200
    assert answered["ask"][1]["lang"] == "lv"
    assert answered["answers"] == (202, {"accepted": 1, "rejected": []})
    assert answered["asked"] == (200, {"answered": []})


@pytest.mark.timeout(1200)
def test_schemathesis_finds_nothing(live: tuple[LiveServer, dict[str, str]], tmp_path: Path) -> None:
    """All its checks: no 5xx, documented statuses and shapes, good data accepted, bad data and bad keys refused."""
    server, names = live
    config = tmp_path / "schemathesis.toml"
    config.write_text(_CONFIG.format(**names))
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run",
            f"{server.url}/v1/openapi.json", "--url", server.url, "-H", f"Authorization: Bearer {names['api_key']}",
            "--checks", "all", "--max-examples", EXAMPLES, "--seed", "1", "--no-color",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    with urllib.request.urlopen(f"{server.url}/v1/openapi.json") as reply:
        there = sum(method != "parameters" for item in orjson.loads(reply.read())["paths"].values() for method in item)
    assert f"{there} selected / {there} total" in done.stdout
