"""One table of fields, two ways to check it: plain functions for the intake, marshmallow schemas for everything else.

A marshmallow load costs about 40 us an event, which is more than parsing and storing it; the plain functions cost a
few. Both are built from the same `Fields`, and a property test holds that they give the same verdict and name the same
fields. Errors are {dotted path: one sentence}.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from marshmallow import RAISE, Schema, ValidationError, fields, validate
from marshmallow.fields import Field

from .times import parse_time

BIGGEST = 2**53 - 1

REQUIRED = "Required."
UNKNOWN = "Unknown field."
NOT_OBJECT = "Not an object."
_MOST_NAMED = 15

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", re.ASCII)
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}", re.ASCII)
_MONEY = re.compile(r"-?\d{1,12}(\.\d{1,4})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_UNSAFE = re.compile(r"[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


Check = Callable[[Any], str | Mapping[str, str] | None]


class Kind(Protocol):
    """What a field may hold."""

    def check(self, value: Any) -> str | Mapping[str, str] | None:
        """None when `value` is fine; else a sentence, or sentences by path below this field."""

    def field(self, required: bool) -> Field[Any]:
        """The same as a marshmallow field."""


@dataclass(frozen=True)
class Text:
    """A text of `least` to `most` characters, without control characters unless it may have several lines."""

    most: int
    least: int = 1
    pattern: re.Pattern[str] | None = None
    message: str = ""
    lines: bool = False
    format: str = ""

    def check(self, value: Any) -> str | None:
        return self.checker(value)

    @cached_property
    def checker(self) -> Callable[[Any], str | None]:
        # Closures, because a dozen of these run for every event.
        least, most, sentence = self.least, self.most, self.sentence
        if self.pattern is not None:
            matches = self.pattern.fullmatch

            def by_pattern(value: Any) -> str | None:
                fine = isinstance(value, str) and least <= len(value) <= most and matches(value)
                return None if fine else sentence

            return by_pattern
        unsafe = (_UNSAFE if self.lines else _CONTROL).search

        def by_characters(value: Any) -> str | None:
            if not isinstance(value, str) or not least <= len(value) <= most:
                return sentence
            return sentence if not (value.isascii() and value.isprintable()) and unsafe(value) else None

        return by_characters

    @property
    def sentence(self) -> str:
        return (
            self.message
            or f"Give text of {self.least} to {self.most} characters, without control characters."
        )

    def field(self, required: bool) -> Field[Any]:
        bad = _UNSAFE if self.lines else _CONTROL
        checks: list[Any] = [validate.Length(self.least, self.most, error=self.sentence)]
        if self.pattern is not None:
            checks.append(
                validate.Regexp(
                    re.compile(rf"(?:{self.pattern.pattern})\Z", self.pattern.flags), error=self.sentence
                )
            )
        else:
            checks.append(_Without(bad, self.sentence))
        return fields.String(
            required=required, allow_none=not required, validate=checks,
            error_messages=_messages(self.sentence), metadata={"format": self.format} if self.format else {},
        )  # fmt: skip


@dataclass(frozen=True)
class Whole:
    """A whole number of `least` to `most`."""

    least: int
    most: int

    def check(self, value: Any) -> str | None:
        return None if type(value) is int and self.least <= value <= self.most else self.sentence

    @property
    def sentence(self) -> str:
        return f"Give a whole number from {self.least} to {self.most}."

    def field(self, required: bool) -> Field[Any]:
        return _Strict(
            required=required, allow_none=not required, error_messages=_messages(self.sentence),
            validate=validate.Range(self.least, self.most, error=self.sentence),
        )  # fmt: skip


@dataclass(frozen=True)
class Number:
    """A number of `least` to `most`, whole or not."""

    least: int
    most: int

    def check(self, value: Any) -> str | None:
        # NaN is between nothing.
        return None if type(value) in (int, float) and self.least <= value <= self.most else self.sentence

    @property
    def sentence(self) -> str:
        return f"Give a number from {self.least} to {self.most}."

    def field(self, required: bool) -> Field[Any]:
        return _Number(
            required=required, allow_none=not required, error_messages=_messages(self.sentence),
            validate=validate.Range(self.least, self.most, error=self.sentence),
        )  # fmt: skip


@dataclass(frozen=True)
class Flag:
    """true or false."""

    sentence: str = "Give true or false."

    def check(self, value: Any) -> str | None:
        return None if value is True or value is False else self.sentence

    def field(self, required: bool) -> Field[Any]:
        return _Flag(required=required, allow_none=not required, error_messages=_messages(self.sentence))


@dataclass(frozen=True)
class Time:
    """A time with its offset, from 1970 to 2099."""

    sentence: str = "Give a time like 2026-11-22T10:00:00Z."

    def check(self, value: Any) -> str | None:
        return None if isinstance(value, str) and parse_time(value) is not None else self.sentence

    def field(self, required: bool) -> Field[Any]:
        return _Time(required=required, allow_none=not required, error_messages=_messages(self.sentence))


@dataclass(frozen=True)
class Value:
    """What a question was answered with: a short text, a whole number, or a list of short texts (the options chosen).

    The question type decides further.
    """

    most: int = 200
    options: int = 20

    def check(self, value: Any) -> str | None:
        if isinstance(value, str):
            return None if self._short(value) else self.sentence
        if isinstance(value, list):
            return None if len(value) <= self.options and all(map(self._short, value)) else self.sentence
        return None if type(value) is int and -BIGGEST <= value <= BIGGEST else self.sentence

    def _short(self, value: Any) -> bool:
        return isinstance(value, str) and 1 <= len(value) <= self.most and not _CONTROL.search(value)

    @property
    def sentence(self) -> str:
        return (
            f"Give text of 1 to {self.most} characters, without control characters, a whole number, "
            f"or a list of at most {self.options} such texts."
        )

    def field(self, required: bool) -> Field[Any]:
        text = {"type": "string", "minLength": 1, "maxLength": self.most}
        many = {"type": "array", "maxItems": self.options, "items": text}
        return _Value(
            required=required, allow_none=not required, error_messages=_messages(self.sentence),
            metadata={"oneOf": [text, {"type": "integer"}, many]},
            validate=_Checked(self.check),
        )  # fmt: skip


@dataclass(frozen=True)
class Group:
    """An object with fields of its own."""

    fields: "Fields"
    example: str = ""

    def check(self, value: Any) -> str | Mapping[str, str] | None:
        if not isinstance(value, dict):
            return self.sentence
        return self.fields.check(value) or None

    @property
    def sentence(self) -> str:
        return f"Give an object like {self.example}." if self.example else NOT_OBJECT

    def field(self, required: bool) -> Field[Any]:
        return _Group(
            self.sentence, self.fields.schema(), required=required, allow_none=not required,
            error_messages=_messages(self.sentence),
        )  # fmt: skip


@dataclass(frozen=True)
class Many:
    """A list of at most `most` things of one kind."""

    kind: Kind
    most: int
    example: str = ""

    def check(self, value: Any) -> str | Mapping[str, str] | None:
        if not isinstance(value, list) or len(value) > self.most:
            return self.sentence
        found: dict[str, str] = {}
        for index, item in enumerate(value):
            _collect(found, str(index), self.kind.check(item))
        return found or None

    @property
    def sentence(self) -> str:
        return f"Give a list of at most {self.most}{self.example and f', like {self.example}'}."

    def field(self, required: bool) -> Field[Any]:
        return fields.List(
            self.kind.field(required=True), required=required, allow_none=not required,
            error_messages=_messages(self.sentence), validate=validate.Length(max=self.most, error=_unformatted(self.sentence)),
        )  # fmt: skip


@dataclass(frozen=True)
class Fields:
    """A named table of fields. Those in `required` must be there; the others may be missing or null. `hints` are sentences
    for fields that it does not have, but that are easily thought to be there. `names_known`: who gives an unknown field is
    told which there are. Not for what anybody may send: the reply would be longer than what was sent."""

    name: str
    kinds: Mapping[str, Kind]
    required: frozenset[str] = frozenset()
    hints: Mapping[str, str] = field(default_factory=dict)
    names_known: bool = False

    def check(self, raw: Mapping[str, Any]) -> dict[str, str]:
        """The errors of `raw`, by dotted path; empty when it is fine."""
        found: dict[str, str] = {}
        check_of = self._checks.get
        for name, value in raw.items():
            check = check_of(name)
            if check is None:
                found[name] = self.hints.get(name, self._unknown)
            elif value is None:
                if name in self.required:
                    found[name] = REQUIRED
            else:
                wrong = check(value)
                if wrong is not None:
                    _collect(found, name, wrong)
        for name in self.required:
            if name not in raw:
                found[name] = REQUIRED
        return found

    def schema(self) -> type[Schema]:
        """The same table as a marshmallow schema."""
        return self._made

    @cached_property
    def _checks(self) -> dict[str, Check]:
        return {name: getattr(kind, "checker", kind.check) for name, kind in self.kinds.items()}

    @cached_property
    def _made(self) -> type[Schema]:
        return _schema(self.name, self.kinds, self.required, self._unknown, self.hints)

    @cached_property
    def _unknown(self) -> str:
        return unknown_among(self.kinds) if self.names_known else UNKNOWN


def uuid() -> Text:
    return Text(36, 36, _UUID, "Give a UUID like 0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d.", format="uuid")


def slug() -> Text:
    return Text(64, 1, _SLUG, "Give a name of 1 to 64 characters a-z, 0-9, '-', '_' and '.'.")


def language() -> Text:
    return Text(35, 2, _LANGUAGE, "Give a language like lv or pt-BR.")


def money() -> Text:
    return Text(18, 1, _MONEY, 'Give an amount as text like "179.99".')


def currency() -> Text:
    return Text(3, 3, _CURRENCY, "Give a currency like EUR.")


def one_of(*options: str) -> Text:
    return Text(
        64, 1, re.compile("|".join(re.escape(o) for o in options)), f"Give one of: {', '.join(options)}."
    )


def flatten(messages: Mapping[Any, Any], before: str = "") -> dict[str, str]:
    """marshmallow's nested messages as {dotted path: first sentence}."""
    found: dict[str, str] = {}
    for name, inner in messages.items():
        path = before if name == "_schema" and before else f"{before}.{name}" if before else str(name)
        if isinstance(inner, Mapping):
            found.update(flatten(inner, path))
        else:
            found[path] = str(inner[0]) if isinstance(inner, list) else str(inner)
    return found


def _collect(found: dict[str, str], name: str, wrong: str | Mapping[str, str] | None) -> None:
    if wrong is None:
        return
    if isinstance(wrong, str):
        found[name] = wrong
    else:
        found.update({f"{name}.{below}": sentence for below, sentence in wrong.items()})


def _messages(sentence: str) -> dict[str, Any]:
    sentence = _unformatted(sentence)
    return {"required": REQUIRED, "null": REQUIRED, "invalid": sentence, "invalid_utf8": sentence}


def _unformatted(sentence: str) -> str:
    """marshmallow formats its sentences, and an example may hold braces."""
    return sentence.replace("{", "{{").replace("}", "}}")


def unknown_among(known: Iterable[str]) -> str:
    """What is said of an unknown field: which there are, unless they are many."""
    names = sorted(known)
    return f"Unknown field; there are: {', '.join(names)}." if 0 < len(names) <= _MOST_NAMED else UNKNOWN


def _schema(
    name: str, kinds: Mapping[str, Kind], required: frozenset[str], unknown: str, hints: Mapping[str, str]
) -> type[Schema]:
    made = Schema.from_dict({n: kind.field(n in required) for n, kind in kinds.items()}, name=name)

    class Strict(made):  # type: ignore[valid-type,misc]
        class Meta:
            unknown = RAISE

        error_messages = {"unknown": unknown, "type": NOT_OBJECT}

        def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
            if isinstance(error.messages, dict):
                error.messages.update({name: [hints[name]] for name in hints.keys() & error.messages.keys()})

    Strict.__name__ = name
    return Strict


class _Without(validate.Validator):
    def __init__(self, pattern: re.Pattern[str], sentence: str) -> None:
        self.pattern = pattern
        self.sentence = sentence

    def __call__(self, value: str) -> str:
        if self.pattern.search(value):
            raise ValidationError(self.sentence)
        return value


class _Checked(validate.Validator):
    def __init__(self, check: Any) -> None:
        self.check = check

    def __call__(self, value: Any) -> Any:
        wrong = self.check(value)
        if wrong is not None:
            raise ValidationError(wrong)
        return value


class _Strict(fields.Integer):
    """An integer that is one in JSON: neither "4" nor 4.0 nor true."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class _Number(fields.Float):
    """A number as JSON has it: neither "4" nor true, and none that is not finite."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        if type(value) not in (int, float) or not -BIGGEST <= value <= BIGGEST:
            raise self.make_error("invalid")
        found: float = value
        return found


class _Flag(fields.Boolean):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if value is not True and value is not False:
            raise self.make_error("invalid")
        return bool(value)


class _Time(fields.String):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "date-time"}, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or parse_time(value) is None:
            raise self.make_error("invalid")
        return value


class _Group(fields.Nested):
    def __init__(self, sentence: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sentence = sentence

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValidationError(self._sentence)
        return super()._deserialize(value, *args, **kwargs)


class _Value(Field[Any]):
    pass
