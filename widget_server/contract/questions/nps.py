"""How likely to recommend, 0 to 10 (Reichheld, "The One Number You Need to Grow", HBR 12/2003)."""

from . import QuestionType, whole_number

QUESTION_TYPE = QuestionType(
    name="nps",
    buckets=tuple(str(n) for n in range(11)),
    sentence="Give a whole number from 0 to 10.",
    bucket=whole_number(0, 10),
    settings={"follow_up": "always"},
    choices={"follow_up": ("always", "never")},
    texts=("low", "high"),
)
