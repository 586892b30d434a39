"""What stages and touchpoints of the journey are called on the pages."""

from flask_babel import gettext

from widget_server.contract.journey import Touchpoint

from ._texts import lazy_gettext, lazy_pgettext

_STAGES = {
    "need": lazy_pgettext("stage", "Need"),
    "search": lazy_pgettext("stage", "Search"),
    "comparison": lazy_pgettext("stage", "Comparison"),
    "purchase": lazy_pgettext("stage", "Purchase"),
    "after": lazy_pgettext("stage", "After"),
}
_BUILT_IN = {
    "site": lazy_gettext("The shop itself"),
    "search": lazy_gettext("Searching"),
    "choice": lazy_gettext("Choosing"),
    "order": lazy_gettext("Ordering"),
    "delivery": lazy_gettext("Delivery"),
    "product": lazy_gettext("What arrived"),
    "relationship": lazy_gettext("Coming back"),
}
_ABOUT = {
    "need": lazy_gettext("They come with a wish."),
    "search": lazy_gettext("They look for it."),
    "comparison": lazy_gettext("They weigh one against another."),
    "purchase": lazy_gettext("They order and pay."),
    "after": lazy_gettext("It arrives, and they come back."),
}


def label(touchpoint: Touchpoint) -> str:
    """The owner's own words, else ours, else the name as somebody gave it."""
    if touchpoint.title:
        return touchpoint.title
    if touchpoint.name in _BUILT_IN:
        return str(_BUILT_IN[touchpoint.name])
    return touchpoint.name.replace("-", " ").replace("_", " ").capitalize()


def stage_label(stage: str) -> str:
    """The name of a stage."""
    return str(_STAGES[stage])


def stage_about(stage: str) -> str:
    """What shoppers do in a stage, in a few words."""
    return str(_ABOUT[stage])


def nothing_asked(stage: str) -> str:
    """What to do about a stage without a question."""
    found: dict[str, str] = {
        "need": gettext("Ask on your front page whether shoppers find their way."),
        "search": gettext("Ask after a search whether shoppers found it."),
        "comparison": gettext("Ask on a product's page what it leaves open."),
        "purchase": gettext("Ask after the order how it went."),
        "after": gettext("Ask later how the delivery was, and whether they would recommend you."),
    }
    return found[stage]
