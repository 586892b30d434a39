"""Questions: what a shop asks, where, when, and in which words."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from widget_server.contract import saving
from widget_server.contract.fields import REQUIRED, Flag, Whole, language, slug
from widget_server.contract.placing import PLACEMENTS
from widget_server.contract.questions import question_types
from widget_server.contract.sets import SETS
from widget_server.contract.shop import Question
from widget_server.contract.times import format_time
from widget_server.intake.ask import ask_about
from widget_server.record import questions as record
from widget_server.record.questions import QuestionConflict
from widget_server.web import preview
from widget_server.web.errors import Problem, conflict, invalid, not_found
from widget_server.web.params import Count, Params, YesNo, choice, of_kind
from widget_server.web.resource import Read, Resource, Write

RESOURCE = Resource("questions", "What the shop asks, where, when, and in which words.", place=40)

_NONE = {404: "The shop has no such question."}
_PATH = {"name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$", "example": "order-rating"}}
_TEXTS = {
    "description": "{language: {text: words}}; a language or a text that is null is taken away",
    "additionalProperties": {"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"]}},
    "example": {"lv": {"title": "Vai atradāt, ko meklējāt?"}},
}
_SETTINGS = {
    "description": "those of the type (`options`, `follow_up`), and when, where and how often it is asked; null takes one away",
    "example": {"delay": 3, "sample": 50},
}


def _kinds() -> fields.String:
    names = tuple(question_types())
    return fields.String(
        validate=validate.OneOf(names, error=f"Give one of: {', '.join(names)}."), metadata={"description": "its type"}
    )


class Changes(Params):
    """What can be changed of a question, and given to a new one."""

    type = _kinds()
    placement = choice(*PLACEMENTS, help="where it is asked; `link` is asked by an e-mail")
    touchpoint = of_kind(slug(), "the step of the customer journey it measures; by the placement when not given", "search")
    paused = of_kind(Flag(), "not asked for the time being")
    settings = fields.Dict(keys=fields.String(), metadata=_SETTINGS)
    texts = fields.Dict(keys=fields.String(), metadata=_TEXTS)


class NewQuestionBody(Changes):
    set = choice(*SETS, help="a ready question (`GET /v1/sets`); whatever else is given changes it")
    name = of_kind(slug(), "how it is called for programs; the set's name when not given", "why-us")


class ChangeBody(Changes):
    version = of_kind(Whole(1, 10_000_000), "the version you have read: refused when it is no longer the newest", None)


class PreviewBody(NewQuestionBody):
    question = of_kind(slug(), "a question of the shop; whatever else is given changes it for the preview", "order-rating")
    lang = of_kind(language(), "of the page", "lv")


class QuestionShape(Schema):
    name = fields.String(required=True)
    version = fields.Integer(required=True, metadata={"description": "older ones keep their answers"})
    type = fields.String(required=True)
    placement = fields.String(required=True)
    touchpoint = fields.String(required=True, metadata={"description": "the step of the customer journey it measures"})
    paused = fields.Boolean(required=True)
    deleted = fields.Boolean(required=True)
    settings = fields.Dict(keys=fields.String(), required=True)
    texts = fields.Dict(
        keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.String()), required=True,
        metadata={"description": "{language: {text: words}}"},
    )  # fmt: skip


class Questions(Schema):
    questions = fields.List(fields.Nested(QuestionShape), required=True)


class Preview(Schema):
    ask = fields.Dict(
        keys=fields.String(), required=True,
        metadata={"description": "what a page of the shop would be told, if this were the only question"},
    )  # fmt: skip
    url = fields.String(required=True, metadata={"description": "a page that shows it; whoever has the address can open it"})
    expires = fields.String(required=True, metadata={"format": "date-time"})


class QuestionsQuery(Params):
    deleted = YesNo(load_default=False, metadata={"description": "those that were deleted, instead of the others"})


class QuestionQuery(Params):
    version = Count(
        1, 10_000_000,
        metadata={"description": "that version, also of a question that was deleted; the newest when not given"},
    )  # fmt: skip


@RESOURCE.route(
    "GET",
    "/v1/questions",
    summary="All questions of the shop",
    query=QuestionsQuery,
    reply=Questions,
    example='"$HOST/v1/questions" -H "Authorization: Bearer $KEY"',
)
def questions(call: Read) -> dict[str, Any]:
    """Sorted by name."""
    newest = [versions[-1] for _, versions in sorted(call.shop.questions.items())]
    return {"questions": [_json(question) for question in newest if question.deleted == call.query["deleted"]]}


@RESOURCE.route(
    "GET",
    "/v1/questions/{name}",
    summary="One question",
    query=QuestionQuery,
    reply=QuestionShape,
    parameters=_PATH,
    refusals=_NONE,
    example='"$HOST/v1/questions/order-rating" -H "Authorization: Bearer $KEY"',
)
def question(call: Read, name: str) -> dict[str, Any]:
    """As it is now, or as it was in an older version: an answer belongs to the version that was shown."""
    number = call.query.get("version")
    found = call.shop.question(name) if number is None else record.version(call.conn, call.shop.id, name, number)
    if found is None or (found.deleted and number is None):
        raise _unknown()
    return _json(found)


@RESOURCE.route(
    "POST",
    "/v1/questions",
    summary="Add a question",
    body=NewQuestionBody,
    reply=QuestionShape,
    status=201,
    refusals={409: "There is a question of this name, or there are too many."},
    example='-X POST "$HOST/v1/questions" -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
    """-d '{"set": "recommend", "settings": {"every_days": 180}}'""",
)
def add_question(call: Write) -> dict[str, Any]:
    """A ready one by its `set`, or one of your own with `name`, `type`, `placement` and `texts`, of which only the title
    is needed where the type and its settings don't need more: the rest is there in our words. It is asked within a
    minute. A question that was deleted comes back as its next version, with its answers."""
    made = _checked(_new(call.body))
    with call.writing() as conn:
        return _json(_tried(lambda: record.create(conn, call.shop.id, made)))


@RESOURCE.route(
    "PATCH",
    "/v1/questions/{name}",
    summary="Change, pause or resume a question",
    body=ChangeBody,
    reply=QuestionShape,
    parameters=_PATH,
    refusals={**_NONE, 409: "The type can't change, `version` is no longer the newest, or it was changed 1,000 times."},
    example='-X PATCH "$HOST/v1/questions/search-found" -H "Authorization: Bearer $KEY" '
    """-H "Content-Type: application/json" -d '{"settings": {"sample": 50}, "texts": {"en": {"title": "Found it?"}}}'""",
)
def change_question(call: Write, name: str) -> dict[str, Any]:
    """What is named is changed, all else stays: settings one by one, texts one by one in each language; null takes one
    away. A change makes a new version, which is asked within a minute; answers to an older one go on counting by what that
    one was. Nothing changed, no new version."""
    changes = {key: value for key, value in call.body.items() if key != "version"}

    def change(old: Question) -> Question:
        if changes.get("type", old.type) != old.type:
            raise conflict({"type": f"The type can't change: the answers are {old.type}. Make another question."})
        return _checked(saving.changed(old, changes))

    with call.writing() as conn:
        made = _tried(lambda: record.change(conn, call.shop.id, name, change, call.body.get("version")))
    if made is None:
        raise _unknown()
    return _json(made)


@RESOURCE.route(
    "DELETE",
    "/v1/questions/{name}",
    summary="Delete a question",
    reply=None,
    status=204,
    parameters=_PATH,
    refusals=_NONE,
    example='-X DELETE "$HOST/v1/questions/order-rating" -H "Authorization: Bearer $KEY"',
)
def delete_question(call: Write, name: str) -> None:
    """It is no longer asked. Its answers and scores stay, and so does its name: a new question of that name and type
    goes on where it ended."""
    with call.writing() as conn:
        if record.delete(conn, call.shop.id, name) is None:
            raise _unknown()


@RESOURCE.route(
    "POST",
    "/v1/previews",
    summary="See a question before shoppers do",
    body=PreviewBody,
    reply=Preview,
    status=201,
    refusals={404: "The shop has no such question."},
    example='-X POST "$HOST/v1/previews" -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
    """-d '{"question": "order-rating", "texts": {"en": {"title": "How did we do?"}}, "lang": "en"}'""",
)
def preview_question(call: Write) -> dict[str, Any]:
    """A question of the shop, a ready one, or one that isn't saved. `url` is a page with the real panel in it, in every
    language, light and dark, on a desk and on a phone. It works for an hour and sends nothing."""
    body = dict(call.body)
    lang = body.pop("lang", "")
    known = body.pop("question", None)
    if known is None:
        found = _new(body if "set" in body else {"name": "preview", **body})
    else:
        saved = call.shop.question(known)
        if saved is None or saved.deleted:
            raise _unknown()
        if "set" in body:
            raise invalid({"set": "Give `question` or `set`."})
        found = saving.changed(saved, {key: value for key, value in body.items() if key != "name"})
    errors = saving.errors(found)
    if "where" not in found.settings:
        errors.pop("settings.where", None)  # a preview stands on no page of the shop
    if errors:
        raise invalid(errors)
    link = preview.make(call.shop.id, found, lang)
    return {"ask": ask_about(call.shop, found, lang), "url": link.url, "expires": format_time(link.expires)}


def _new(body: Mapping[str, Any]) -> Question:
    """The question that a body describes, still to be checked."""
    changes = {key: value for key, value in body.items() if key not in ("set", "name")}
    if "set" not in body:
        missing = {field: REQUIRED for field in ("name", "type", "placement", "texts") if field not in body}
        if missing:
            raise invalid(missing)
        return saving.changed(Question(body["name"], 1, "", ""), changes)
    if "type" in body:
        raise invalid({"type": "Leave it out: the set has its own."})
    return saving.changed(SETS[body["set"]].question(body.get("name", "")), changes)


def _checked(question: Question) -> Question:
    errors = saving.errors(question)
    if errors:
        raise invalid(errors)
    return question


def _tried(work: Callable[[], Question | None]) -> Question | None:
    try:
        return work()
    except QuestionConflict as error:
        raise conflict({error.field: str(error)}) from error


def _unknown() -> Problem:
    return not_found("This shop has no such question.")


def _json(question: Question | None) -> dict[str, Any]:
    assert question is not None
    return {
        "name": question.name,
        "version": question.version,
        "type": question.type,
        "placement": question.placement,
        "touchpoint": question.touchpoint,
        "paused": question.paused,
        "deleted": question.deleted,
        "settings": dict(question.settings),
        "texts": {language: dict(words) for language, words in question.texts.items()},
    }
