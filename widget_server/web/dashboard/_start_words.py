"""The first steps in words: where the line goes on each platform, and what is wrong with a page that was looked at."""

from typing import Final

from flask_babel import LazyString, gettext

from ._shop_page import Finding
from ._texts import lazy_gettext as _
from ._troubles import explain

PLATFORMS: Final[tuple[tuple[str, str, LazyString], ...]] = (
    ("woocommerce", "WooCommerce", _("WordPress, Plugins: add “WPCode”. Then Code Snippets, Header & Footer, and paste the line into the field Header.")),
    ("shopify", "Shopify", _("Online Store, Themes, the three dots, Edit code. Open layout/theme.liquid and paste the line above </head>. Shopify loads no such line in its checkout nor on the page after an order.")),
    ("prestashop", "PrestaShop", _("In your theme open templates/_partials/head.tpl and paste the line at its end. Then empty the cache: Advanced Parameters, Performance.")),
    ("magento", "Magento", _("Content, Design, Configuration, your store, HTML Head: paste the line into Scripts and Style Sheets. Then flush the cache. If the shop has a strict security policy (CSP), let our server into it.")),
    ("opencart", "OpenCart", _("Design, Theme Editor, common/header.twig: paste the line above </head>. Then refresh the theme's cache: on the Dashboard, the gear at the top. A theme with a header of its own has it there.")),
    ("mozello", "Mozello", _("In the settings of the website: paste the line into the code for the head of all pages.")),
    ("other", "…", _("Paste the line into the head of every page, or let a tag manager put it there on all pages.")),
)  # fmt: skip
"""(name, as it is written, where the line goes)."""


def told(finding: Finding) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    what, fix = finding.what, finding.fix
    texts: dict[str, tuple[str, str]] = {
        "none": (
            gettext("The line is not in this page."),
            gettext("Paste it into the head of every page, empty the shop's cache, and look again. If a tag manager puts it there, it can't be seen from here: open your shop in a browser instead."),
        ),
        "cut": (
            gettext("The page is so long that only its beginning was read, and the line is not in it."),
            gettext("Put the line into the head of the page, near its top."),
        ),
        "other_key": (
            gettext("The line is there, but it is that of another shop: %(key)s.", key=what or "–") if what else gettext("A line of ours is there, but it names no shop."),
            gettext("Write data-shop=\"%(key)s\" into it, or copy the line anew.", key=fix),
        ),
        "other_server": (
            gettext("The line is there, but it loads the script from %(server)s.", server=what),
            gettext("It must come from %(server)s. Copy the line anew.", server=fix),
        ),
        "waits_for_consent": (
            gettext("The line is there, but the shop's consent platform holds it back until the visitor agrees."),
            gettext("Let it load always: it keeps nothing in the browser before there is consent. In the consent platform put it among what is necessary."),
        ),
        "mixed": (
            gettext("Your shop's pages are https and the script is not (%(server)s): browsers block that.", server=what),
            gettext("Atbalss must be reached by https: %(server)s.", server=fix),
        ),
        "csp_script": (
            gettext("The line is there, but the page's security policy (CSP) does not let the script load: %(policy)s", policy=what),
            gettext("Add %(server)s to script-src.", server=fix),
        ),
        "csp_connect": (
            gettext("The script may load, but the page's security policy (CSP) does not let it ask our server: %(policy)s", policy=what),
            gettext("Add %(server)s to connect-src.", server=fix),
        ),
        "packed": (
            gettext("The page came packed (%(coding)s) although we asked for it as it is.", coding=what),
            gettext("It can't be read from here. Open your shop in a browser; we see it then."),
        ),
        "not_html": (gettext("That address gives no page, but %(kind)s.", kind=what), gettext("Give the address of a page.")),
        "status": (
            gettext("The shop answers with the error %(status)s.", status=what),
            gettext("Open the address in a browser. If you see a page there, the shop keeps programs like ours out; open your shop in a browser then, and we see it."),
        ),
        "moved": (
            gettext("The page leads on to %(address)s, which is not one of the shop's domains.", address=what),
            gettext("Add that domain in the first step, or give another address."),
        ),
        "unreachable": (
            gettext("The page could not be reached: %(why)s.", why=_inside(explain(what).what)),
            gettext("Open your shop in a browser; we see it then."),
        ),
    }  # fmt: skip
    return texts[finding.code]


def _inside(sentence: str) -> str:
    """A sentence as the end of another."""
    return f"{sentence[:1].lower()}{sentence[1:]}".removesuffix(".")
