"""Consent: nothing is kept before it, caps hold with it, and everything goes with it, as each platform documents it.

Each platform in fixtures/consent has a page part (what a shop pastes) and a script, which comes with the page or late.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from .conftest import Put, loaded, order, results
from .standin import Ours, Reply, Shop, question

pytestmark = pytest.mark.browser

FIXTURES = Path(__file__).parent / "fixtures/consent"
PLATFORMS = ["google", "tcf", "cookiebot", "onetrust", "cookieyes", "own"]
PANEL = "atbalss-panel"
KEPT = """async () => [...Object.keys(localStorage), ...Object.keys(sessionStorage),
  ...(await indexedDB.databases()).map((one) => one.name), ...(await caches.keys())]"""

Visit = Callable[..., None]


def stored(page: Page) -> list[str]:
    """The names of everything in this browser but the platform's own cookie."""
    cookies = [str(cookie.get("name")) for cookie in page.context.cookies() if cookie.get("name") != "cmp"]
    names: list[str] = page.evaluate(KEPT)
    return sorted(names + cookies)


def wait_stored(page: Page, names: list[str]) -> None:
    page.wait_for_function("(names) => Object.keys(localStorage).sort().join() === names.join()", arg=names)
    assert stored(page) == names


@pytest.fixture
def platform(shop: Shop) -> Callable[[str], str]:
    """Gives the head of a page with a platform; `late`: without its script, which `comes` brings."""
    script = {"Content-Type": "text/javascript; charset=utf-8"}
    banner = (FIXTURES / "banner.js").read_text()
    for name in PLATFORMS:
        shop.pages[f"/cmp/{name}.js"] = Reply(200, banner + (FIXTURES / f"{name}.js").read_text(), script)

    def head(name: str, late: bool = False) -> str:
        tag = f'<script src="/cmp/{name}.js"{IDS.get(name, "")}></script>'
        return (FIXTURES / f"{name}.html").read_text() + ("" if late else tag)

    return head


IDS = {"cookiebot": ' id="Cookiebot" data-cbid="00000000-0000-0000-0000-000000000000"'}


def comes(page: Page, name: str) -> None:
    """The platform's script comes, and has its banner in the page."""
    page.evaluate(
        """([name, isCookiebot]) => { const script = document.createElement("script"); script.src = `/cmp/${name}.js`;
        if (isCookiebot) script.id = "Cookiebot"; document.head.append(script); }""",
        [name, name == "cookiebot"],
    )
    page.locator("html[data-cmp=ready]").wait_for()


DUE = "document.body.append(Object.assign(document.createElement('i'), {id: 'due'}))"


def chooses(page: Page, button: str, which: int = 0) -> None:
    page.evaluate("delete document.documentElement.dataset.chosen")
    page.get_by_role("button", name=button).nth(which).click()
    page.locator(f"html[data-chosen='{button}']").wait_for()


def is_shown(page: Page, ours: Ours, count: int) -> None:
    page.locator(PANEL).wait_for(state="attached")
    ours.wait_for("question.shown", count)
    assert page.locator(PANEL).count() == 1


def is_kept_back(page: Page, ours: Ours, reason: str, count: int = 1) -> None:
    """The question is not shown, and the owner is told why."""
    assert ours.wait_for("question.skipped", count)[count - 1]["reason"] == reason
    assert page.locator(PANEL).count() == 0


@pytest.mark.parametrize("name", PLATFORMS)
def test_nothing_is_kept_before_consent_and_caps_hold_with_it(
    name: str, platform: Callable[..., str], page: Page, put: Put, ours: Ours
) -> None:
    address = put("/search", results(), head=platform(name))
    page.goto(address)
    is_shown(page, ours, 1)
    page.goto(address)
    is_shown(page, ours, 2)  # who hasn't decided is not remembered
    assert stored(page) == []

    chooses(page, "Accept all")
    page.goto(address)
    is_shown(page, ours, 3)
    wait_stored(page, ["atbalss"])
    page.goto(address)
    is_kept_back(page, ours, "cooldown")
    assert stored(page) == ["atbalss"]

    chooses(page, "Reject all")
    wait_stored(page, [])
    page.goto(address)
    is_shown(page, ours, 4)
    assert stored(page) == []

    chooses(page, "Accept all")
    page.goto(address)
    is_shown(page, ours, 5)  # begins anew
    wait_stored(page, ["atbalss"])
    assert len(ours.events("question.skipped")) == 1
    assert not [r for r in ours.posts() if "consent" in r.body or "visitor" in r.body]


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_that_comes_late(
    name: str, platform: Callable[..., str], page: Page, put: Put, ours: Ours
) -> None:
    address = put("/search", results(), head=platform(name, late=True))
    page.goto(address)
    is_shown(page, ours, 1)
    comes(page, name)
    assert stored(page) == []
    chooses(page, "Accept all")
    page.wait_for_timeout(1200)  # a question that already stands there isn't counted afterwards
    page.goto(put("/privacy", head=platform(name, late=True)))
    comes(page, name)
    page.wait_for_load_state("networkidle")

    ours.questions = [question("search-found", "yes_no", "search", selector="#due")]
    page.goto(address)
    comes(page, name)
    page.evaluate(DUE)
    is_shown(page, ours, 2)
    wait_stored(page, ["atbalss"])
    page.goto(address)
    comes(page, name)
    page.evaluate(DUE)
    is_kept_back(page, ours, "cooldown")

    # Withdrawn where most shops have the button: on a page that asks nothing.
    page.goto(put("/privacy", head=platform(name, late=True)))
    loaded(page, "memory")
    assert stored(page) == ["atbalss"]
    comes(page, name)
    page.wait_for_timeout(100)
    assert stored(page) == ["atbalss"]
    chooses(page, "Reject all")
    wait_stored(page, [])


def test_cookiebot_that_is_asked_to_begin_anew(
    platform: Callable[..., str], page: Page, put: Put, ours: Ours
) -> None:
    address = put("/search", results(), head=platform("cookiebot"))
    page.goto(address)
    is_shown(page, ours, 1)
    chooses(page, "Accept all")
    page.goto(address)
    is_shown(page, ours, 2)  # so this page looks after what is kept; the page before may have left it
    wait_stored(page, ["atbalss"])
    chooses(page, "Renew")
    wait_stored(page, [])


def test_withdrawn_in_one_tab_is_withdrawn_in_all(
    platform: Callable[..., str], context: BrowserContext, put: Put, ours: Ours
) -> None:
    address = put("/search", results(), head=platform("google"))
    first, second = context.new_page(), context.new_page()
    first.goto(address)
    is_shown(first, ours, 1)
    chooses(first, "Accept all")
    first.goto(address)
    is_shown(first, ours, 2)
    loaded(first, "queue")
    second.bring_to_front()
    second.goto(address)
    is_kept_back(second, ours, "cooldown")
    first.bring_to_front()
    chooses(second, "Reject all")
    wait_stored(first, [])
    first.get_by_role("button", name="Yes").click()  # this tab's platform hasn't heard of it
    ours.wait_for("answer.given")
    first.wait_for_timeout(1200)
    assert stored(first) == []


def test_nobodys_objects_are_changed(platform: Callable[..., str], page: Page, put: Put, ours: Ours) -> None:
    heads = "".join(platform(name) for name in PLATFORMS)
    watch = """<script>
    const wrap = OptanonWrapper, before = {};
    for (const name of ["__tcfapi", "Cookiebot", "OneTrust", "getCkyConsent", "dataLayer"]) before[name] = window[name];
    window.untouched = () => wrap === OptanonWrapper && dataLayer.push === Array.prototype.push
      && Object.keys(before).every((name) => before[name] === window[name]);
    </script>"""
    page.goto(put("/search", results(), head=heads + watch))
    is_shown(page, ours, 1)
    for _ in range(2):
        page.evaluate(
            "for (const b of document.querySelectorAll('button')) if (b.textContent === 'Accept all') b.click()"
        )
        page.wait_for_timeout(1200)
        assert page.evaluate("untouched()")


def test_one_no_wins(platform: Callable[..., str], page: Page, put: Put, ours: Ours) -> None:
    address = put("/search", results(), head=platform("google") + platform("onetrust") + GRANTS)
    page.goto(address)
    is_shown(page, ours, 1)
    page.goto(address)
    is_shown(page, ours, 2)
    assert stored(page) == []
    chooses(page, "Accept all", 1)
    page.goto(address)
    is_shown(page, ours, 3)
    wait_stored(page, ["atbalss"])


GRANTS = "<script>gtag('consent', 'update', {'analytics_storage': 'granted'})</script>"


def test_a_vendor_that_breaks_breaks_nothing(page: Page, put: Put, ours: Ours) -> None:
    broken = """<script>
    window.__tcfapi = window.getCkyConsent = () => { throw new Error("the vendor's own"); };
    window.dataLayer = [null, ["consent", "update", null]];
    window.Cookiebot = { hasResponse: true }; window.OnetrustActiveGroups = {};
    </script>"""
    page.goto(put("/search", results(), head=broken))
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    assert stored(page) == []


@pytest.mark.parametrize("tag", ["", 'data-consent="granted"'])
def test_global_privacy_control_refuses_storage_and_not_the_question(
    tag: str, platform: Callable[..., str], context: BrowserContext, put: Put, ours: Ours
) -> None:
    context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
    )
    page = context.new_page()
    address = put(
        "/search", results(), head=platform("own") + "<script>atbalss.push({consent: true})</script>", tag=tag
    )
    page.goto(address)
    is_shown(page, ours, 1)
    page.goto(address)
    is_shown(page, ours, 2)
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    assert stored(page) == []


def test_global_privacy_control_that_is_switched_on_later_deletes(
    context: BrowserContext, put: Put, ours: Ours
) -> None:
    address = put("/search", results(), tag='data-consent="granted"')
    page = context.new_page()
    page.goto(address)
    is_shown(page, ours, 1)
    wait_stored(page, ["atbalss"])
    page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
    )
    page.goto(address)
    wait_stored(page, [])


def test_answers_are_taken_when_analytics_are_refused(
    platform: Callable[..., str], page: Page, put: Put, ours: Ours
) -> None:
    page.goto(put("/search", results(), head=platform("google")))
    chooses(page, "Reject all")
    page.goto(put("/thanks", order(), head=platform("google")))
    page.get_by_role("radio", name="4 of 5 stars").click()
    (answer,) = ours.wait_for("answer.given")
    assert answer["value"] == 4
    assert stored(page) == []


def test_what_the_owner_set(page: Page, put: Put, ours: Ours, platform: Callable[..., str]) -> None:
    plain = put("/search", results())
    ours.widget = {"consent": "always"}
    page.goto(plain)
    is_shown(page, ours, 1)
    wait_stored(page, ["atbalss"])
    page.goto(plain)
    is_kept_back(page, ours, "cooldown")
    ours.widget = {"consent": "never"}
    page.goto(plain)
    is_shown(page, ours, 2)
    wait_stored(page, [])
    page.goto(
        put("/search2", results(), head=platform("own") + "<script>atbalss.push({consent: true})</script>")
    )
    is_shown(page, ours, 3)
    assert stored(page) == []
    ours.widget = {"consent": "always"}
    page.goto(put("/search3", results(), head=platform("google")))
    is_shown(page, ours, 4)
    assert stored(page) == []  # a platform's word goes before the owner's


def test_every_way_to_have_no_storage(browser: Browser, put: Put, ours: Ours) -> None:
    ways = {
        "forbidden": "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})",
        "missing": "Object.defineProperty(window, 'localStorage', {value: null})",
        "full": "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }",
    }
    address = put("/search", results(), tag='data-consent="granted"')
    errors: list[str] = []
    for count, script in enumerate(ways.values(), 1):
        context = browser.new_context(locale="en-GB")
        context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.get_by_role("button", name="Yes").click()
        ours.wait_for("answer.given", count)
        page.goto(address)
        is_shown(page, ours, 2 * count)
        context.close()
    assert errors == []


SPOIL = """<script>
JSON.parse = JSON.stringify = () => { throw new Error("the page's own JSON"); };
Array.prototype.toJSON = Object.prototype.toJSON = String.prototype.toJSON = () => "spoilt";
for (const name of ["push", "map", "filter", "forEach", "slice", "indexOf", "includes"])
  Array.prototype[name] = () => { throw new Error("the page's own " + name); };
Object.prototype.odd = "from the page";
</script>"""


def test_a_page_that_spoilt_its_objects_is_remembered_all_the_same(page: Page, put: Put, ours: Ours) -> None:
    address = put("/search", results(), head=SPOIL, tag='data-consent="granted"')
    page.goto(address)
    is_shown(page, ours, 1)
    page.goto(address)
    is_kept_back(page, ours, "cooldown")
    page.goto(put("/plain"))
    assert page.evaluate("localStorage.atbalss").startswith('{"v":1,')


# --- what is remembered; the days are those of the browser's clock

DAY = 86400


def later(page: Page, seconds: float) -> None:
    page.clock.set_fixed_time(1_800_000_000 + seconds)


def looks(page: Page, address: str, ours: Ours) -> str:
    """What comes of a page view: "shown", or the reason why not."""
    seen = len(ours.events("question."))
    page.goto(address)
    event = ours.wait_for("question.", seen + 1)[seen]
    return str(event.get("reason") or event["type"].rpartition(".")[2])


@pytest.mark.parametrize(
    ("settings", "placement", "days"),
    [
        ({}, "search", {0: "shown", 0.9: "cooldown", 1.1: "shown"}),
        ({"cooldown_hours": 72}, "search", {0: "shown", 2.9: "cooldown", 3.1: "shown"}),
        (
            {"most": 2, "cooldown_hours": 0},
            "search",
            {0: "shown", 2: "shown", 4: "cap", 300: "cap", 700: "shown"},
        ),
        ({"every_days": 90}, "search", {0: "shown", 1: "wave", 89: "wave", 91: "shown", 180: "wave"}),
        ({"cooldown_hours": 0}, "search", {0: "shown", 0.9: "cooldown_all", 1.1: "shown"}),
        ({"every_days": 1000}, "search", {0: "shown", 999: "wave", 1001: "shown"}),
    ],
)
def test_caps_hold_over_page_loads(
    settings: dict[str, Any],
    placement: str,
    days: dict[float, str],
    page: Page,
    put: Put,
    ours: Ours,
) -> None:
    ours.questions = [question("search-found", "yes_no", placement, **settings)]
    address = put("/search", results(), tag='data-consent="granted"')
    seen = {}
    for day in days:
        later(page, day * DAY)
        seen[day] = looks(page, address, ours)
    assert seen == days


def test_until_answered(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [question("search-found", "yes_no", "search", until_answered=True, cooldown_hours=0)]
    ours.widget = {"cooldown_hours": 0}
    address = put("/search", results(), tag='data-consent="granted"')
    page.goto(address)
    is_shown(page, ours, 1)
    page.goto(address)
    is_shown(page, ours, 2)
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert page.locator(PANEL).count() == 0
    assert len(ours.events("question.shown")) == 2


def test_the_pause_between_questions_is_not_for_orders(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results(), tag='data-consent="granted"'))
    is_shown(page, ours, 1)
    page.goto(put("/thanks", order(), tag='data-consent="granted"'))
    is_shown(page, ours, 2)


def test_a_visitor_is_drawn_once(browser: Browser, put: Put, ours: Ours) -> None:
    ours.questions = [question("search-found", "yes_no", "search", sample=50, cooldown_hours=0)]
    ours.widget = {"cooldown_hours": 0}
    for word in ("a", "b", "c"):
        put(f"/{word}", results(word), tag='data-consent="granted"')
    kinds = []
    for _ in range(12):
        context = browser.new_context(locale="en-GB")
        page = context.new_page()
        kinds.append(
            {
                looks(page, put(f"/{word}", results(word), tag='data-consent="granted"'), ours)
                for word in "abc"
            }
        )
        context.close()
    assert all(len(kind) == 1 for kind in kinds)  # the same on every page, whatever is searched
    assert {kind.pop() for kind in kinds} == {
        "shown",
        "sampled",
    }  # both occur: one in 2,048 runs would miss one


def test_a_delay_goes_on_over_page_loads(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [question("search-found", "yes_no", "search", delay=600)]
    with_consent = put("/search", results(), tag='data-consent="granted"')
    later(page, 0)
    page.goto(with_consent)
    page.wait_for_function("localStorage.atbalss?.includes('search-found')")
    later(page, 300)
    page.goto(with_consent)
    page.wait_for_load_state("networkidle")
    assert page.locator(PANEL).count() == 0
    later(page, 601)
    page.goto(with_consent)
    is_shown(page, ours, 1)


def test_without_consent_a_delay_ends_with_its_page(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [question("search-found", "yes_no", "search", delay=600)]
    address = put("/search", results())
    for seconds in (0, 601, 1202):
        later(page, seconds)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert page.locator(PANEL).count() == 0
    assert not ours.events("question.")
