"""A question as shoppers will see it, on a page behind a signed link: the real panel of the built snippet.

The link carries the question, or names it where it is saved, so nothing has to be kept. Whoever has the link can open it
for an hour; it leads to nothing else. The page may connect to nothing, so that what is tapped there can't be sent.
"""

import base64
import hashlib
import hmac
import time
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, render_template, request

from widget_server.contract.shop import Question, Shop
from widget_server.intake.ask import ask_about
from widget_server.record import questions, shops

from . import frozen
from .errors import Problem
from .snippet import Bundle
from .state import state

HOURS = 1
# A longer address doesn't pass every proxy. One language always fits (contract/saving.py).
LONGEST = 6_000

_LOOKS = {"": "system", "light": "light", "dark": "dark"}
_WIDTHS = {"": "desk", "phone": "phone"}
_RIGHT_TO_LEFT = ("ar", "ckb", "dv", "fa", "he", "iw", "ps", "sd", "ug", "ur", "yi")
_FRAME = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; require-trusted-types-for 'script'"
)


@dataclass(frozen=True)
class Link:
    """`expires` is in ms."""

    url: str
    expires: int


def make(shop: str, question: Question, lang: str, widget: Mapping[str, Any] | None = None) -> Link:
    """A link to see `question` of `shop`, as it is given here; with `widget`, in those looks in place of the shop's."""
    expires = int(time.time()) + HOURS * 3600
    said: dict[str, Any] = {"shop": shop, "until": expires, **({} if widget is None else {"widget": dict(widget)})}
    with state().database.reading() as conn:
        saved = questions.version(conn, shop, question.name, question.version)
    if saved == question:
        token = _signed({**said, "name": question.name, "version": question.version})
    else:
        languages = sorted(question.texts, key=lambda each: (each != lang, each != "en"))
        token = _carrying(said, question, languages)
        while len(token) > LONGEST and len(languages) > 1:
            languages.pop()
            token = _carrying(said, question, languages)
    address = f"{state().settings.base_url}/preview/{token}"
    return Link(f"{address}?lang={lang}" if lang else address, expires * 1000)


def blueprint(folder: Path = frozen.BUILT) -> Blueprint:
    """The page around the preview, and the one in it that has the panel."""
    made = Blueprint("preview", __name__, template_folder="templates")
    chunks = Bundle(folder).chunks

    def frame(token: str) -> Response:
        found = _opened(token)
        if found is None:
            return _gone()
        shop, question = found
        chosen = _chosen(shop, question)
        page = render_template(
            "preview.html", token=token, question=question, shop=shop, chosen=chosen, looks=_LOOKS, widths=_WIDTHS,
            languages=[(lang, lang) for lang in sorted(question.texts)],
        )  # fmt: skip
        return _closed(Response(page), _FRAME, "DENY")

    def page(token: str) -> Response:
        found = _opened(token)
        if found is None:
            return _gone()
        shop, question = found
        chosen = _chosen(shop, question)
        told = ask_about(shop, question, chosen["lang"])
        if chosen["look"]:
            told["widget"] = {**told.get("widget", {}), "mode": chosen["look"]}
        (entry,) = told["questions"]
        spoken = entry.get("lang", told["lang"])
        names = chunks()
        if "preview" not in names:
            raise Problem(503, "not_built", "This build of the snippet has no preview; `make snippet` builds one.")
        data = {
            "question": entry, "language": spoken, "widget": told.get("widget", {}),
            "panel": names.get("panel"), "type": names.get(entry["type"]),
        }  # fmt: skip
        shown = render_template(
            "preview_page.html", script=names["preview"], data=data, chosen=chosen, spoken=spoken, address=request.full_path,
            dir="rtl" if spoken.lower().replace("_", "-").partition("-")[0] in _RIGHT_TO_LEFT else "ltr",
        )  # fmt: skip
        return _closed(Response(shown), _PAGE, "SAMEORIGIN")

    made.add_url_rule("/preview/<token>", "frame", frame)
    made.add_url_rule("/preview/<token>/page", "page", page)
    return made


def _chosen(shop: Shop, question: Question) -> dict[str, str]:
    """What the address chooses; anything that isn't offered is the first that is."""
    wanted = request.args.get("lang", "")[:35]
    entry = ask_about(shop, question, wanted)
    look, width = request.args.get("look", ""), request.args.get("width", "")
    return {
        "lang": entry["lang"],
        "look": look if look in _LOOKS else "",
        "width": width if width in _WIDTHS else "",
    }


def _carrying(said: dict[str, Any], question: Question, languages: list[str]) -> str:
    texts = {lang: dict(question.texts[lang]) for lang in languages}
    return _signed({**said, "question": asdict(replace(question, texts=texts))})


def _opened(token: str) -> tuple[Shop, Question] | None:
    """What a link is about; None when it is forged or old, or when what it names is gone."""
    said = _verified(token)
    if said is None or said["until"] < time.time():
        return None
    with state().database.reading() as conn:
        shop = shops.by_id(conn, said["shop"])
        if "question" in said:
            question: Question | None = Question(**said["question"])
        else:
            question = questions.version(conn, said["shop"], said["name"], said["version"])
    if shop is None or question is None:
        return None
    return replace(shop, widget=said["widget"]) if "widget" in said else shop, question


def _signed(said: dict[str, Any]) -> str:
    body = base64.urlsafe_b64encode(zlib.compress(orjson.dumps(said), 9)).decode().rstrip("=")
    return f"{body}.{_mac(body)}"


def _verified(token: str) -> dict[str, Any] | None:
    body, _, mac = token.partition(".")
    if not token.isascii() or not hmac.compare_digest(mac, _mac(body)):
        return None
    said = orjson.loads(zlib.decompress(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
    assert isinstance(said, dict)
    return said


def _mac(body: str) -> str:
    secret = hmac.digest(state().settings.secret_key.encode(), b"atbalss-preview-v1", "sha256")
    return base64.urlsafe_b64encode(hmac.new(secret, body.encode(), hashlib.sha256).digest()).decode().rstrip("=")


def _gone() -> Response:
    return _closed(Response(render_template("preview_gone.html", hours=HOURS), status=404), _FRAME, "SAMEORIGIN")


def _closed(reply: Response, policy: str, framing: str) -> Response:
    reply.headers["Content-Security-Policy"] = policy
    reply.headers["X-Frame-Options"] = framing
    reply.headers["X-Robots-Tag"] = "noindex, nofollow"
    reply.headers["Cache-Control"] = "no-store"
    return reply
