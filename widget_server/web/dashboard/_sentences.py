"""What the rooms below say in English, said in the member's language.

Checks and ready questions come with sentences for people, and those rooms know no languages. Here stands each such
sentence as a text that can be translated, with a name where something varies. What isn't here is shown as it came; tests
hold this list against all that the checks of questions and of the widget can say.
"""

import re
from functools import cache
from typing import Any, Final

from flask_babel import gettext

from widget_server.contract.placing import SETTINGS

from ._question_words import setting


def _(text: str) -> str:
    """Marks a text to be translated; that is done when it is said."""
    return text


_CHECKS: Final = (
    # contract/fields.py, placing.py
    _("Required."),
    _("Unknown field."),
    _("Give true or false."),
    _("Give one of: %(names)s."),
    _("Give a number of %(unit)s from %(least)s to %(most)s."),
    _("Give a whole number of %(unit)s from %(least)s to %(most)s."),
    _("Give a whole number from %(least)s to %(most)s."),
    _("Give text of %(least)s to %(most)s characters."),
    _("Give text of %(least)s to %(most)s characters, without control characters."),
    _("Give a time like %(example)s."),
    _("Give a language like lv or pt-BR."),
    _("Give each language once."),
    _("Give a name of 1 to 64 characters a-z, 0-9, '-', '_' and '.'."),
    _("Has no meaning for the placement %(placement)s: only for %(others)s."),
    _("Needs %(name)s to be %(values)s."),
    _("Give a list of 1 to %(most)s rules like %(example)s."),
    _("Give a rule like %(example)s."),
    _("Give one of: is, contains, like. For two conditions give two rules."),
    _("Give it as it stands in the address: no spaces, quotes, control characters or any of %(signs)s."),
    _("Begin with %(ways)s."),
    _("Give a CSS selector of 1 to %(most)s characters."),
    _("Not a CSS selector: it has control characters."),
    _("Not a CSS selector: a quote %(sign)s is not closed."),
    _("Not a CSS selector: its brackets don't close one another."),
    _("Not a CSS selector: outside quotes it may not have any of %(signs)s."),
    _("Not a CSS selector: a pseudo-element is no element."),
    _("Not a CSS selector: a part between commas is empty."),
    _("Not a CSS selector: something is missing before or after a sign."),
    _("Give 1 to %(most)s properties of the event like %(example)s."),
    _("Give a property's name of 1 to 64 characters."),
    _("Give text of at most 200 characters, a number, true or false."),
    # contract/saving.py, questions
    _("Give texts in 1 to %(most)s languages."),
    _("Give texts like %(example)s."),
    _("Give plain text of 1 to %(most)s characters, in one line."),
    _("Write {n} where the number of stars belongs."),
    _("Required in each language."),
    _("Required in one language at least."),
    _("Required: one language at least must have all options."),
    _("This question has no such text; it has %(names)s."),
    _("Settings and texts of one language are %(size)s bytes together; at most %(most)s."),
    _(
        'Give "never", "always", one of the values, or a list of at most %(most)s branches like %(example)s.'
    ),
    # contract/theme.py, the widget
    _("Give a colour like #1d4ed8."),
    _("%(colour)s on %(background)s is %(ratio)s:1; a line needs 3:1, so %(used)s is used on the light card."),
    _("%(colour)s on %(background)s is %(ratio)s:1; a line needs 3:1, so %(used)s is used on the dark card."),
    _("%(colour)s on %(background)s is %(ratio)s:1; text needs 4.5:1. The nearest that has it is %(nearest)s."),
    _("The own background and text belong to the light card, which the mode dark never shows."),
    # record/questions.py
    _("There is a question %(name)s; PATCH changes it."),
    _("The shop has %(most)s questions; delete one first."),
    _("The shop has had %(most)s questions; take up the name of a deleted one."),
    _("The deleted question %(name)s was of the type %(type)s, and its answers stay: give that type or another name."),
    _("The question %(name)s was changed %(most)s times; pause it and make another one."),
    _("The shop's questions were changed %(most)s times; they can only be paused now."),
)  # fmt: skip
# What is said to programs by names that no page shows, and how pages say it, with what they call those settings.
_IN_PAGES: Final = {
    "Give a time after `starts`.": _("Give a time after “%(starts)s”."),
    'Required: the trigger is "event".': _("Required."),
    'A question of the placement "page" needs `where`, `selector` or `event`: it would be on every page.':
        _("Fill in “%(where)s”, “%(selector)s” or “%(event)s”: else it would be asked on every page."),
    "Give 2 to %(most)s different names of characters a-z, 0-9, '-' and '_'.":
        _("Give at least two different options, and %(most)s at most."),
}  # fmt: skip
_SETS: Final = (
    _("Whether shoppers find what they search for, and what they miss."),
    _("What shoppers wanted where the search shows nothing; on such pages it comes before the question whether they found it."),
    _("What the page of a product leaves open, asked of those who are about to leave it."),
    _("How shopping went, right after the order."),
    _("How easy it is to order, and what gets in the way."),
    _("What made buyers choose this shop and no other."),
    _("What nearly kept those away who did buy: it keeps away those who did not."),
    _("How the delivery went, and what went wrong."),
    _("How easy it was to get the parcel out of the locker."),
    _("Whether what arrived is worse, as or better than expected."),
    _("Whether customers would recommend the shop, in waves of 90 days."),
)
_UNITS = {"seconds": _("seconds"), "hours": _("hours"), "days": _("days"), "per cent": _("per cent"), "times": _("times")}
_NAME = re.compile(r"%\((\w+)\)s")


def said(sentence: str) -> str:
    """`sentence` in the member's language; as it is where that isn't known."""
    found = _found(sentence)
    if found is None:
        return sentence
    source, values = found
    if "unit" in values:
        values["unit"] = str(gettext(_UNITS.get(values["unit"], values["unit"])))
    if source in _IN_PAGES:
        source = _IN_PAGES[source]
        values = {name: str(setting(name).label) for name in _NAME.findall(source) if name in SETTINGS} | values
    return str(gettext(source, **values)) if values else str(gettext(source))


def is_known(sentence: str) -> bool:
    """Whether it can be said in another language."""
    return _found(sentence) is not None


def _found(sentence: str) -> tuple[str, dict[str, Any]] | None:
    for source, pattern in _patterns():
        match = pattern.fullmatch(sentence)
        if match is not None:
            return source, match.groupdict()
    return None


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Each source text with what it looks like when it has been filled. Those with fewer names are tried first."""
    sources = sorted((*_CHECKS, *_IN_PAGES, *_SETS), key=lambda text: len(_NAME.findall(text)))
    return [(source, _pattern(source)) for source in sources]


def _pattern(source: str) -> re.Pattern[str]:
    parts = _NAME.split(source)
    made = [f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)]
    return re.compile("".join(made), re.DOTALL)

