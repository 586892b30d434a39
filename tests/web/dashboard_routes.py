"""The owner's pages, each with who may: what tests/web/test_dashboard_access.py tries everybody at.

A page's routes stand together. Add the rows of a new page here; the test says which are missing.
"""

from dataclasses import dataclass, field

from tests.web.conftest import PASSWORD


@dataclass(frozen=True)
class Row:
    """`role` is the least that may; None: for everybody, signed in or not.

    `form` and `query` are what is sent; by `{...}` they name what the first shop has (`House.names` in the test), as do the
    placeholders of the path. `own` are the statuses for who may, `foreign` those for another shop's owner who names it.
    """

    role: str | None
    form: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    own: tuple[int, ...] = (200, 303)
    foreign: tuple[int, ...] = (200, 303)


# An answer of the first shop (conftest.fill).
THE_ANSWER = {"question": "order-rating", "key": "order:kanarejputns"}
OWN_PASSWORD = {"current": PASSWORD}
HOOK = {"url": "https://example.com/hook", "types": "answer.given"}
OWN_SYSTEM = {"platform": "webhook", "s.url": "https://example.com/coupons"}
ROUTES: dict[tuple[str, str], Row] = {
    ("GET", "/app/sign-in"): Row(None),
    ("POST", "/app/sign-in"): Row(None, {"email": "nobody@people.example", "password": "no"}, own=(422,), foreign=(422,)),
    ("GET", "/app/sign-in/code"): Row(None),
    ("POST", "/app/sign-in/code"): Row(None, {"code": "123456"}),
    ("POST", "/app/sign-out"): Row(None),
    ("GET", "/app/invitations/<token>"): Row(None, own=(404,), foreign=(404,)),
    ("POST", "/app/invitations/<token>"): Row(None, own=(404,), foreign=(404,)),
    ("GET", "/app"): Row("viewer"),
    ("GET", "/app/shops"): Row("viewer"),
    ("POST", "/app/shops"): Row("viewer", {"shop": "{shop}"}, foreign=(404,)),
    # On a busy machine it is still being made when the page is drawn.
    ("POST", "/app/sample"): Row("viewer", own=(202, 303), foreign=(202, 303)),
    ("POST", "/app/sample/leave"): Row("viewer"),
    ("GET", "/app/style"): Row("viewer"),
    ("GET", "/app/overview"): Row("viewer"),
    ("GET", "/app/overview/touchpoints"): Row("viewer"),
    ("POST", "/app/overview/touchpoints"): Row("editor", {"do": "add", "title": "Gift wrapping", "stage": "purchase"}),
    ("POST", "/app/overview/touchpoints/questions"): Row("editor", {"question-search-found": "delivery"}),
    ("GET", "/app/settings"): Row("viewer"),
    ("GET", "/app/settings/account"): Row("viewer"),
    ("POST", "/app/settings/account"): Row("viewer", {"name": "Changed", "language": "lv"}),
    ("POST", "/app/settings/account/password"): Row("viewer", {**OWN_PASSWORD, "password": "another good one"}),
    ("GET", "/app/settings/two-factor"): Row("viewer"),
    ("POST", "/app/settings/two-factor/begin"): Row("viewer", OWN_PASSWORD),
    ("GET", "/app/settings/two-factor/picture"): Row("viewer"),
    ("POST", "/app/settings/two-factor/on"): Row("viewer", {"code": "123456"}),
    ("POST", "/app/settings/two-factor/off"): Row("viewer", OWN_PASSWORD),
    ("POST", "/app/settings/two-factor/codes"): Row("viewer", OWN_PASSWORD, own=(422,), foreign=(422,)),
    ("GET", "/app/settings/sessions"): Row("viewer"),
    ("POST", "/app/settings/sessions/end"): Row("viewer", {"session": "{session}"}, own=(404,), foreign=(404,)),
    ("POST", "/app/settings/sessions/end-others"): Row("viewer"),
    ("GET", "/app/settings/members"): Row("viewer"),
    ("POST", "/app/settings/members/invite"): Row("owner", {"email": "new@people.example", "role": "viewer"}),
    ("POST", "/app/settings/members/withdraw"): Row("owner", {"invitation": "{invitation}"}, foreign=(404,)),
    ("POST", "/app/settings/members/role"): Row("owner", {"account": "{colleague}", "role": "owner"}, foreign=(404,)),
    ("POST", "/app/settings/members/remove"): Row("owner", {"account": "{colleague}"}, foreign=(404,)),
    ("POST", "/app/settings/members/leave"): Row("viewer"),
    ("GET", "/app/searches"): Row("viewer"),
    ("GET", "/app/searches/query"): Row("viewer", query={"q": "kanarejputns"}),
    ("GET", "/app/searches/export"): Row("viewer"),
    ("POST", "/app/searches/conversion"): Row("owner", {"percent": "3"}),
    ("GET", "/app/settings/export"): Row("viewer"),
    ("GET", "/app/settings/export/file"): Row("viewer", query={"what": "everything", "form": "json"}),
    ("GET", "/app/answers"): Row("viewer"),
    ("GET", "/app/answers/cases"): Row("viewer"),
    ("GET", "/app/answers/one"): Row("viewer", query=THE_ANSWER, foreign=(404,)),
    ("POST", "/app/answers/one/opened"): Row("editor", THE_ANSWER, own=(200,), foreign=(404,)),
    ("POST", "/app/answers/case"): Row("editor", THE_ANSWER, own=(303,), foreign=(404,)),
    ("POST", "/app/answers/cases/change"): Row("editor", {**THE_ANSWER, "status": "doing"}, own=(303,), foreign=(404,)),
    ("POST", "/app/answers/note"): Row("editor", {**THE_ANSWER, "text": "a note"}, own=(303,), foreign=(404,)),
    ("POST", "/app/answers/quarantine"): Row("editor", {**THE_ANSWER, "reason": "rude"}, own=(303,), foreign=(404,)),
    ("POST", "/app/answers/release"): Row("editor", THE_ANSWER, own=(303,), foreign=(404,)),
    ("POST", "/app/answers/bulk"): Row("editor", {"do": "case", "name": "\n".join(THE_ANSWER.values())}, own=(303,), foreign=(404,)),
    ("POST", "/app/answers/views"): Row("editor", {"name": "Sad", "value": "no", "everybody": "1"}, own=(303,), foreign=(303,)),
    ("POST", "/app/answers/views/remove"): Row("editor", {"view": "view_none"}, own=(404,), foreign=(404,)),
    ("GET", "/app/questions"): Row("viewer"),
    ("GET", "/app/questions/new"): Row("editor", query={"type": "stars", "placement": "order"}),
    ("POST", "/app/questions/new"): Row("editor", {"do": "look", "type": "yes_no", "placement": "order", "l": "en", "t.en.title": "Well?"}),
    ("POST", "/app/questions/new/look"): Row("editor", {"type": "yes_no", "placement": "order", "l": "en", "t.en.title": "Well?"}),
    ("GET", "/app/questions/sets/<name>"): Row("viewer", own=(404,), foreign=(404,)),
    ("POST", "/app/questions/sets/<name>"): Row("editor", own=(404,), foreign=(404,)),
    ("GET", "/app/questions/one/<name>"): Row("viewer", foreign=(404,)),
    ("GET", "/app/questions/one/<name>/edit"): Row("editor", foreign=(404,)),
    ("POST", "/app/questions/one/<name>/edit"): Row("editor", {"do": "look"}, foreign=(404,)),
    ("POST", "/app/questions/one/<name>/look"): Row("editor", foreign=(404,)),
    ("POST", "/app/questions/one/<name>/pause"): Row("editor", {"paused": "1"}, foreign=(404,)),
    ("POST", "/app/questions/one/<name>/delete"): Row("editor", foreign=(404,)),
    ("GET", "/app/start"): Row("editor"),
    ("GET", "/app/start/shop"): Row("owner"),
    ("POST", "/app/start/shop"): Row("owner", {"name": "Renamed", "domains": "renamed.example"}),
    ("POST", "/app/start/domain"): Row("owner", {"domain": "renamed.example"}),
    ("GET", "/app/start/looks"): Row("owner"),
    ("POST", "/app/start/looks"): Row("owner", {"do": "save", "brand": "#0f766e", "mode": "dark"}),
    ("POST", "/app/start/looks/look"): Row("owner", {"brand": "#0f766e"}),
    ("GET", "/app/start/line"): Row("editor"),
    ("GET", "/app/start/check"): Row("editor"),
    ("POST", "/app/start/check"): Row("editor", {"address": "https://elsewhere.example/"}, own=(422,), foreign=(422,)),
    ("GET", "/app/start/check/sight"): Row("editor"),
    ("POST", "/app/start/finish"): Row("editor"),
    ("GET", "/app/deliveries"): Row("viewer"),
    ("GET", "/app/deliveries/log"): Row("viewer", query={"goal": "{goal}"}),
    ("GET", "/app/deliveries/log/<delivery>"): Row("viewer", foreign=(404,)),
    ("POST", "/app/deliveries/log/<delivery>/replay"): Row("editor", foreign=(404,)),
    ("POST", "/app/deliveries/replays"): Row("editor", {"goal": "{goal}", "period": "30"}),
    ("POST", "/app/deliveries/seen"): Row("editor"),
    ("GET", "/app/deliveries/endpoints/new"): Row("owner"),
    ("POST", "/app/deliveries/endpoints/new"): Row("owner", HOOK, own=(200,), foreign=(200,)),
    ("GET", "/app/deliveries/endpoints/<goal>"): Row("viewer", foreign=(404,)),
    ("POST", "/app/deliveries/endpoints/<goal>"): Row("owner", HOOK, own=(303,), foreign=(404,)),
    ("POST", "/app/deliveries/endpoints/<goal>/pause"): Row("owner", own=(303,), foreign=(404,)),
    ("POST", "/app/deliveries/endpoints/<goal>/resume"): Row("owner", own=(303,), foreign=(404,)),
    ("POST", "/app/deliveries/endpoints/<goal>/secret"): Row("owner", own=(200,), foreign=(404,)),
    ("POST", "/app/deliveries/endpoints/<goal>/remove"): Row("owner", own=(303,), foreign=(404,)),
    ("POST", "/app/deliveries/endpoints/<goal>/test"): Row("editor", own=(303,), foreign=(404,)),
    ("GET", "/app/deliveries/connections/new"): Row("owner", query={"platform": "webhook"}),
    ("POST", "/app/deliveries/connections/new"): Row("owner", OWN_SYSTEM, own=(200,), foreign=(200,)),
    ("GET", "/app/deliveries/connections/<connection>"): Row("viewer", foreign=(404,)),
    ("POST", "/app/deliveries/connections/<connection>"): Row("owner", {"name": "Renamed"}, own=(303,), foreign=(404,)),
    ("POST", "/app/deliveries/connections/<connection>/pause"): Row("owner", own=(303,), foreign=(404,)),
    ("POST", "/app/deliveries/connections/<connection>/resume"): Row("owner", own=(303,), foreign=(404,)),
    ("POST", "/app/deliveries/connections/<connection>/remove"): Row("owner", own=(303,), foreign=(404,)),
    ("POST", "/app/deliveries/connections/<connection>/test"): Row("editor", own=(303,), foreign=(404,)),
    ("GET", "/app/settings/keys"): Row("viewer"),
    ("POST", "/app/settings/keys"): Row("owner", {"name": "A plugin"}, own=(200,), foreign=(200,)),
    ("POST", "/app/settings/keys/revoke"): Row("owner", {"key": "{key}"}, own=(303,), foreign=(404,)),
    ("GET", "/app/settings/domains"): Row("viewer"),
    ("POST", "/app/settings/domains"): Row("owner", {"domains": "renamed.example"}, own=(303,)),
    ("POST", "/app/settings/domains/origins"): Row("owner", {"origins": "https://renamed.example"}, own=(303,)),
    ("GET", "/app/settings/shop"): Row("viewer"),
    ("POST", "/app/settings/shop"): Row("owner", {"name": "Renamed", "time_zone": "Europe/Tallinn"}, own=(303,)),
    ("GET", "/app/settings/shop/look"): Row("viewer"),
    ("POST", "/app/settings/shop/look"): Row("owner", {"do": "save", "brand": "#0f766e", "radius": "4", "cooldown_hours": "24"}, own=(303,)),
    ("POST", "/app/settings/shop/look/try"): Row("owner", {"brand": "#0f766e", "radius": "4", "cooldown_hours": "24"}),
}
