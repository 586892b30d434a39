"""Yes or no, with an optional text that follows: "did you find what you searched for?"."""

from . import QuestionType

QUESTION_TYPE = QuestionType(
    name="yes_no",
    buckets=("yes", "no"),
    sentence="Give yes or no.",
    bucket=lambda value, _settings: value if value in ("yes", "no") else None,
    settings={"follow_up": "no"},
    choices={"follow_up": ("no", "always", "never")},
    texts=("yes", "no"),
)
