"""A question that is answered in the shopper's own words. Such an answer has a text and no value."""

from . import QuestionType

QUESTION_TYPE = QuestionType(
    name="text",
    buckets=(),
    sentence="Give a text and no value.",
    bucket=lambda _value, _settings: None,
    texts=("send",),
    optional=("placeholder",),
)
