"""Five faces, from very unhappy (1) to very happy (5). A face has a name in words, because it can't be heard."""

from . import QuestionType, whole_number

QUESTION_TYPE = QuestionType(
    name="csat",
    buckets=("1", "2", "3", "4", "5"),
    sentence="Give a whole number from 1 to 5.",
    bucket=whole_number(1, 5),
    settings={"follow_up": "always"},
    choices={"follow_up": ("always", "never")},
    texts=("option.1", "option.2", "option.3", "option.4", "option.5"),
)
