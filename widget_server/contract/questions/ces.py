"""How easy it was, 1 (very hard) to 7 (very easy): the second form of the Customer Effort Score.

Dixon, Freeman and Toman, "Stop Trying to Delight Your Customers", HBR 7/2010; agreement on seven steps since 2013.
"""

from . import QuestionType, whole_number

QUESTION_TYPE = QuestionType(
    name="ces",
    buckets=("1", "2", "3", "4", "5", "6", "7"),
    sentence="Give a whole number from 1 to 7.",
    bucket=whole_number(1, 7),
    settings={"follow_up": "always"},
    choices={"follow_up": ("always", "never")},
    texts=("low", "high"),
)
