"""Settings: the parts, each with a sentence. A part is a page of its own with `part_of="/settings"`."""

from flask.typing import ResponseReturnValue

from ._page import Page, View, Visit, draw, menu
from ._texts import lazy_gettext as _


def show(visit: Visit) -> ResponseReturnValue:
    return draw("settings/index.html", parts=menu(visit, PAGE.path))


PAGE = Page("/settings", _("Settings"), 90, "settings", views=(View("", show),))
