"""One to five stars, with an optional text that follows."""

from . import QuestionType, whole_number

QUESTION_TYPE = QuestionType(
    name="stars",
    buckets=("1", "2", "3", "4", "5"),
    sentence="Give a whole number from 1 to 5.",
    bucket=whole_number(1, 5),
    settings={"follow_up": "always"},
    choices={"follow_up": ("always", "never")},
    texts=("low", "high", "star"),
)
