"""Why something did not arrive, in words for a shop-keeper, and what can be done about it.

What went wrong is kept as the rooms below say it, in English and with what helps whoever runs the other side; pages show
that as detail. Here each such reason gets its words. One that is not known here is said as it stands.
"""

import re
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext


@dataclass(frozen=True)
class Trouble:
    """`what` happened, and what `todo`; `detail` is the reason as it was noted."""

    what: str
    todo: str
    detail: str


def _(text: str) -> str:
    """Marks a text to be translated; that is done when it is said."""
    return text


_BY_ITSELF: Final = _("Nothing, for now: it is tried again by itself.")
_ASK_THEM: Final = _("Tell whoever runs it, with the details below. It is tried again by itself.")
_TYPO: Final = _("Check the address for a typing mistake, and whether the domain is still yours.")
_FIREWALL: Final = _("Often a firewall or a protection against robots is in the way: let “Atbalss/1” through there.")

# What an answer's status means; of several that fit the first counts.
_STATUSES: Final = (
    ("30[0-9]", _("It sent us on to another address, and for safety that is not followed."),
     _("Put in the address where it ends up, exactly: with or without www, with https.")),
    ("401", _("It wants a key or a password, and did not accept ours."),
     _("Check the keys, or open the address for requests without a password; ours carry a signature.")),
    ("402", _("It says that something has to be paid there."), _("See whether your plan there has run out.")),
    ("403", _("It refused to let us in."), _FIREWALL),
    ("404", _("There is nothing at that address."), _TYPO),
    ("405", _("The address is there, but takes no webhooks."), _("It has to take POST requests: tell whoever made it.")),
    ("406|415", _("It did not want the message in the form that it has."), _("It has to take JSON: tell whoever made it.")),
    ("408", _("It took too long."), _BY_ITSELF),
    ("409", _("It says that it may have this already."), _("Look there. We ask it before anything is sent again.")),
    ("410", _("It said that it wants no more."),
     _("If that was a mistake, have it put right there, and switch it on here. If not, remove it.")),
    ("413", _("The message was too large for it."), _("It has to take messages of 64 KB: tell whoever runs it.")),
    ("400|422", _("It did not understand the message."), _("Show the details below to whoever made it; then send it again.")),
    ("429", _("It asked us to slow down."), _("Nothing: it gets the time that it asked for.")),
    ("501|505", _("It can't do what we asked for."), _ASK_THEM),
    ("502|503|504", _("It was away for a moment."), _BY_ITSELF),
    ("52[0-9]|53[0-9]", _("The service in front of it could not reach it."), _ASK_THEM),
    ("5[0-9][0-9]", _("Something broke there while it took the message."), _ASK_THEM),
    ("[0-9]+", _("It did not accept the message."), _ASK_THEM),
)  # fmt: skip

# What was noted, as the rooms below write it; `answered 404...` goes by status.
_REASONS: Final = (
    (r"the endpoint was disabled: .*", _("It was still waiting when the endpoint was switched off."),
     _("Switch the endpoint on; then send this again.")),
    (r"the (endpoint|connection) was deleted", _("It was still waiting when its goal was removed."), ""),
    (r"there is nothing to tell any more", _("There was nothing to tell any more."), ""),
    (r"the coupon is owed no longer", _("The coupon was taken back before it was sent."), ""),
    (r"it has not (answered|worked) once in five days", _("It did not work once in five days."),
     _("Put right what is wrong, then switch it on.")),
    (r"it was paused for thirty days", _("It was paused for thirty days."), _("Switch it on, or remove it.")),
    (r"the owner paused it", _("An owner paused it."), _("Resume it when it shall go on.")),
    (r"the address of .* could not be found( in time)?|.* has no address", _("Its name could not be found on the internet."), _TYPO),
    (r"no answer within .* s", _("It did not answer in time."),
     _("It should say “thank you” at once and work afterwards: tell whoever made it. It is tried again by itself.")),
    (r"its certificate is not good: .*", _("Its certificate is not valid, so nobody can be sure who is there."),
     _("Have the certificate renewed there (its name and its dates must be right). Any browser shows what is wrong.")),
    (r"no answer: TLS failed .*", _("No safe connection could be made."), _("It has to speak https with TLS 1.2 or newer.")),
    (r"no answer: the connection was refused", _("Nobody answers at that address."),
     _("The server there is not running, or a firewall shuts us out: tell whoever runs it.")),
    (r"no answer: the connection was cut", _("It hung up in the middle."), _ASK_THEM),
    (r"no answer: what came back is not HTTP", _("Something answered, but no web server."), _TYPO),
    (r"no answer: .*", _("It could not be reached."), _ASK_THEM),
    (r".* is not an address of the open internet|.* may not be called",
     _("Its name leads to an address inside a private network, and such are closed to us."),
     _("Put in an address that can be reached from anywhere. Whoever runs this server may allow private ones.")),
    (r"the URL must begin with https://", _("The address has to begin with https://."), _("Put in the address with https.")),
    (r"the URL .*|this is not (a URL|an address)|the port must be .*|an address with a zone .*",
     _("That is no address that may be called."), _("Put in a whole address like https://shop.example/hooks.")),
    (r"answered with (something else than (JSON|a list)|more than we read)", _("It answered with something that makes no sense to us."),
     _("Perhaps a firewall or a notice of the shop stands in front of it: open the address in a browser.")),
    (r"a fault of ours: .*|its body could not be made: .*", _("That was our fault, not theirs."),
     _("It is in the log of this server: tell whoever runs it, then send this again.")),
    (r"too many names are being looked up|the time for this attempt was over .*", _("There was no time left for it."), _BY_ITSELF),
    (r"nobody knows whether it arrived.*", _("Nobody knows whether it arrived, and it can't be asked."),
     _("Look there whether it has it; a coupon must not be made twice.")),
    (r".* takes no .*|a webhook carries no mail", _("This kind of message can't be sent there."), ""),
)  # fmt: skip

# What stands on a connection after it was looked at.
_PROBLEMS: Final = (
    (r"Orders could not be read: (?P<reason>.*)\.", _("Orders could not be read.")),
    (r"The webhooks could not be looked at: (?P<reason>.*)\.", _("Whether it still tells us of orders could not be seen.")),
    (r"Requests of the last day that could not be understood: (?P<n>\d+)\. .*",
     _("Some of what it sent in the last day could not be understood: %(n)s.")),
    (r"WooCommerce has no webhook for (?P<topic>\S+): .*",
     _("WooCommerce does not tell us of %(topic)s. Add a webhook for it there; its address stands on the page of this connection. A key that may write does it by itself.")),
    (r"The webhook for (?P<topic>\S+) is disabled .*",
     _("WooCommerce has switched off its webhook for %(topic)s. Set it to active there: Settings, Advanced, Webhooks.")),
    (r"The webhook for (?P<topic>\S+) is \S+ .*",
     _("Somebody has paused the webhook for %(topic)s in WooCommerce. Set it to active there: Settings, Advanced, Webhooks.")),
    (r"The webhook for (?P<topic>\S+) goes to .*",
     _("WooCommerce sends %(topic)s to another address. Put in the one that stands on the page of this connection.")),
    (r"It says that it has a message that was never sent\.",
     _("It says that it has something that was never sent, so it can't be relied on: tell whoever made it.")),
)  # fmt: skip

# What a form is told, beside the reasons above.
_REFUSALS: Final = (
    (r"Required\.", _("Please fill this in.")),
    (r"Missing data.*", _("Please fill this in.")),
    (r"Give an address of at most (?P<n>\d+) characters\.", _("Give an address of at most %(n)s characters.")),
    (r"Give text of at most (?P<n>\d+) characters, without control characters\.", _("Give text of at most %(n)s characters, in one line.")),
    (r"Give text of 1 to (?P<n>\d+) characters, without control characters\.", _("Give text of at most %(n)s characters, in one line.")),
    (r"Give a list of at least one of: .*", _("Choose at least one.")),
    (r"Give a whole number\.", _("Give a whole number.")),
    (r"Give one secret, or two with a space between while you change it\.",
     _("Give one secret, or two with a space between while you change it.")),
    (r".*whsec_.*", _("Give a secret that begins with whsec_, or leave it empty and one is made.")),
    (r"A shop may have (?P<n>\d+) endpoints\.", _("A shop may have %(n)s endpoints. Remove one that nobody needs.")),
    (r"A shop may have (?P<n>\d+) connections\.", _("A shop may have %(n)s connections. Remove one that nobody needs.")),
    (r"It is paused or disabled; resume it first\.|It is paused; resume it first\.", _("It is paused. Resume it first.")),
    (r"Others are being tried; try again soon\.", _("Others are being tried just now. Try again in a few seconds.")),
    (r"Somebody else changes them just now; read them and try again\.", _("Somebody else is changing this just now. Look again, then try once more.")),
    (r"There is no code for .* here any more\.", _("This server does not know that platform any more.")),
    (r"`to` is not after `from`\.", _("The last day is before the first.")),
)  # fmt: skip

_ANSWERED = re.compile(r"answered (\d{3})\b")


def explain(reason: str | None, status: int | None = None) -> Trouble:
    """What a noted reason, or the status of an answer, means."""
    detail = reason or ""
    answered = _ANSWERED.match(detail)
    if answered is not None or (status is not None and not 200 <= status < 300):
        what, todo = _by_status(answered[1] if answered is not None else str(status))
        return Trouble(what, todo, detail)
    for pattern, what, todo in _REASONS:
        if re.fullmatch(pattern, detail, re.DOTALL):
            return Trouble(gettext(what), gettext(todo) if todo else "", detail)
    return Trouble(_sentence(detail), "", detail)


def problem(sentence: str) -> Trouble:
    """What was found wrong with a connection: a sentence of the integration's, or a reason with a full stop."""
    for pattern, what in _PROBLEMS:
        found = re.fullmatch(pattern, sentence, re.DOTALL)
        if found is not None:
            named = found.groupdict()
            reason = named.pop("reason", None)
            why = None if reason is None else explain(_uncapped(reason))
            said = gettext(what, **named) if named else gettext(what)
            return Trouble(f"{said} {why.what}" if why else said, why.todo if why else "", sentence)
    why = explain(_uncapped(sentence.removesuffix(".")))
    return Trouble(sentence, "", "") if why.what == _sentence(why.detail) else Trouble(why.what, why.todo, sentence)


def refusal(sentence: str) -> str:
    """What a form is told, in the member's language."""
    for pattern, said in _REFUSALS:
        found = re.fullmatch(pattern, sentence, re.DOTALL)
        if found is not None:
            named = found.groupdict()
            return str(gettext(said, **named) if named else gettext(said))
    why = explain(_uncapped(sentence.removesuffix(".")))
    return sentence if why.what == _sentence(why.detail) else f"{why.what} {why.todo}".strip()


def _by_status(status: str) -> tuple[str, str]:
    return next(
        (gettext(what), gettext(todo)) for pattern, what, todo in _STATUSES if re.fullmatch(pattern, status)
    )


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}." if reason else ""


def _uncapped(sentence: str) -> str:
    """As the reason was before it was made a sentence."""
    return sentence[:1].lower() + sentence[1:] if sentence[:2] not in ("TL",) and not _keeps_case(sentence) else sentence


def _keeps_case(sentence: str) -> bool:
    return re.match(r"[A-Z][\w.-]*\.[A-Za-z]|WooCommerce", sentence) is not None
