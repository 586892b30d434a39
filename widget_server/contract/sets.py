"""Ready questions an owner can switch on, each tied to a touchpoint of the customer journey and to a placement.

The texts are in every language of `texts.LANGUAGES`; what all questions share (send, close, thanks) stands in `_COMMON`
once. They are worded without a shopper's gender and so that no language needs a plural form. What is not about one shop
or one question (`ready_texts`) also stands in for what an owner's own question leaves out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from .questions import question_types
from .shop import Question
from .texts import LANGUAGES, TEXTS

Texts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """One ready question. `about` tells an owner what it is good for; the others are those of a question."""

    name: str
    touchpoint: str
    placement: str
    type: str
    about: str
    texts: Texts
    settings: Mapping[str, Any] = field(default_factory=dict)

    def question(self, name: str = "") -> Question:
        """Its first version in a shop, under another name where one is given."""
        return Question(
            name or self.name, 1, self.type, self.placement, False, self.settings, self.texts, self.touchpoint
        )


_COMMON: Final[Texts] = {
    "lv": {"send": "Nosūtīt", "thanks": "Paldies par atbildi!", "close": "Aizvērt"},
    "lt": {"send": "Siųsti", "thanks": "Ačiū už atsakymą!", "close": "Uždaryti"},
    "et": {"send": "Saada", "thanks": "Aitäh vastuse eest!", "close": "Sulge"},
    "ru": {"send": "Отправить", "thanks": "Спасибо за ответ!", "close": "Закрыть"},
    "en": {"send": "Send", "thanks": "Thank you for your answer!", "close": "Close"},
    "pl": {"send": "Wyślij", "thanks": "Dziękujemy za odpowiedź!", "close": "Zamknij"},
    "de": {"send": "Senden", "thanks": "Danke für Ihre Antwort!", "close": "Schließen"},
    "fi": {"send": "Lähetä", "thanks": "Kiitos vastauksesta!", "close": "Sulje"},
}

_EASE: Final[Texts] = {
    "lv": {"low": "Ļoti grūti", "high": "Ļoti viegli", "follow_up": "Kas sagādāja grūtības?"},
    "lt": {"low": "Labai sunku", "high": "Labai lengva", "follow_up": "Kas buvo sunku?"},
    "et": {"low": "Väga raske", "high": "Väga lihtne", "follow_up": "Mis oli keeruline?"},
    "ru": {"low": "Очень сложно", "high": "Очень легко", "follow_up": "Что было сложно?"},
    "en": {"low": "Very hard", "high": "Very easy", "follow_up": "What made it hard?"},
    "pl": {"low": "Bardzo trudno", "high": "Bardzo łatwo", "follow_up": "Co sprawiło trudność?"},
    "de": {"low": "Sehr schwierig", "high": "Sehr einfach", "follow_up": "Was war schwierig?"},
    "fi": {"low": "Erittäin vaikeaa", "high": "Erittäin helppoa", "follow_up": "Mikä oli vaikeaa?"},
}

_ORDER_EFFORT: Final[Texts] = {
    "lv": {
        "title": "Cik viegli bija noformēt pasūtījumu?",
        "follow_up_placeholder": "Piemēram, apmaksa, piegāde vai veidlapa",
    },
    "lt": {
        "title": "Ar lengva buvo pateikti užsakymą?",
        "follow_up_placeholder": "Pavyzdžiui, apmokėjimas, pristatymas ar forma",
    },
    "et": {
        "title": "Kui lihtne oli tellimust esitada?",
        "follow_up_placeholder": "Näiteks maksmine, tarne või vorm",
    },
    "ru": {
        "title": "Насколько легко было оформить заказ?",
        "follow_up_placeholder": "Например, оплата, доставка или форма",
    },
    "en": {
        "title": "How easy was it to place your order?",
        "follow_up_placeholder": "For example, payment, delivery or the form",
    },
    "pl": {
        "title": "Jak łatwo było złożyć zamówienie?",
        "follow_up_placeholder": "Na przykład płatność, dostawa lub formularz",
    },
    "de": {
        "title": "Wie einfach war die Bestellung?",
        "follow_up_placeholder": "Zum Beispiel Bezahlung, Lieferung oder Formular",
    },
    "fi": {
        "title": "Kuinka helppoa tilaaminen oli?",
        "follow_up_placeholder": "Esimerkiksi maksu, toimitus tai lomake",
    },
}

_PARCEL_LOCKER: Final[Texts] = {
    "lv": {
        "title": "Cik viegli bija saņemt sūtījumu pakomātā?",
        "follow_up_placeholder": "Piemēram, kods, durtiņas vai atrašanās vieta",
    },
    "lt": {
        "title": "Ar lengva buvo atsiimti siuntą iš paštomato?",
        "follow_up_placeholder": "Pavyzdžiui, kodas, durelės ar vieta",
    },
    "et": {
        "title": "Kui lihtne oli pakk pakiautomaadist kätte saada?",
        "follow_up_placeholder": "Näiteks kood, luuk või asukoht",
    },
    "ru": {
        "title": "Насколько легко было забрать посылку из постамата?",
        "follow_up_placeholder": "Например, код, дверца или расположение",
    },
    "en": {
        "title": "How easy was it to collect your parcel from the locker?",
        "follow_up_placeholder": "For example, the code, the door or the location",
    },
    "pl": {
        "title": "Jak łatwo było odebrać paczkę z automatu?",
        "follow_up_placeholder": "Na przykład kod, skrytka lub lokalizacja",
    },
    "de": {
        "title": "Wie einfach war die Abholung am Paketautomaten?",
        "follow_up_placeholder": "Zum Beispiel Code, Fach oder Standort",
    },
    "fi": {
        "title": "Kuinka helppoa paketin nouto automaatista oli?",
        "follow_up_placeholder": "Esimerkiksi koodi, luukku tai sijainti",
    },
}

_DELIVERY: Final[Texts] = {
    "lv": {
        "title": "Kā vērtējat piegādi?",
        "option.1": "Ļoti slikti",
        "option.2": "Slikti",
        "option.3": "Viduvēji",
        "option.4": "Labi",
        "option.5": "Ļoti labi",
        "follow_up": "Kas nebija kārtībā?",
        "follow_up_placeholder": "Piemēram, kavēšanās, iepakojums vai kurjers",
    },
    "lt": {
        "title": "Kaip vertinate pristatymą?",
        "option.1": "Labai blogai",
        "option.2": "Blogai",
        "option.3": "Vidutiniškai",
        "option.4": "Gerai",
        "option.5": "Labai gerai",
        "follow_up": "Kas buvo ne taip?",
        "follow_up_placeholder": "Pavyzdžiui, vėlavimas, pakuotė ar kurjeris",
    },
    "et": {
        "title": "Kuidas hindate tarnet?",
        "option.1": "Väga halb",
        "option.2": "Halb",
        "option.3": "Rahuldav",
        "option.4": "Hea",
        "option.5": "Väga hea",
        "follow_up": "Mis läks valesti?",
        "follow_up_placeholder": "Näiteks hilinemine, pakend või kuller",
    },
    "ru": {
        "title": "Как вы оцениваете доставку?",
        "option.1": "Очень плохо",
        "option.2": "Плохо",
        "option.3": "Средне",
        "option.4": "Хорошо",
        "option.5": "Очень хорошо",
        "follow_up": "Что было не так?",
        "follow_up_placeholder": "Например, задержка, упаковка или курьер",
    },
    "en": {
        "title": "How was the delivery?",
        "option.1": "Very bad",
        "option.2": "Bad",
        "option.3": "So-so",
        "option.4": "Good",
        "option.5": "Very good",
        "follow_up": "What went wrong?",
        "follow_up_placeholder": "For example, a delay, the packaging or the courier",
    },
    "pl": {
        "title": "Jak oceniasz dostawę?",
        "option.1": "Bardzo źle",
        "option.2": "Źle",
        "option.3": "Średnio",
        "option.4": "Dobrze",
        "option.5": "Bardzo dobrze",
        "follow_up": "Co poszło nie tak?",
        "follow_up_placeholder": "Na przykład opóźnienie, opakowanie lub kurier",
    },
    "de": {
        "title": "Wie war die Lieferung?",
        "option.1": "Sehr schlecht",
        "option.2": "Schlecht",
        "option.3": "Mittelmäßig",
        "option.4": "Gut",
        "option.5": "Sehr gut",
        "follow_up": "Was lief nicht gut?",
        "follow_up_placeholder": "Zum Beispiel Verspätung, Verpackung oder Zustellung",
    },
    "fi": {
        "title": "Miten toimitus sujui?",
        "option.1": "Erittäin huonosti",
        "option.2": "Huonosti",
        "option.3": "Kohtalaisesti",
        "option.4": "Hyvin",
        "option.5": "Erittäin hyvin",
        "follow_up": "Mikä meni pieleen?",
        "follow_up_placeholder": "Esimerkiksi viivästys, pakkaus tai kuljetus",
    },
}

_EXPECTED: Final[Texts] = {
    "lv": {
        "title": "Vai prece ir tāda, kā gaidījāt?",
        "option.worse": "Sliktāka, nekā gaidīju",
        "option.as": "Tāda, kā gaidīju",
        "option.better": "Labāka, nekā gaidīju",
        "follow_up": "Kas ir citādi?",
        "follow_up_placeholder": "Piemēram, kvalitāte, izmērs vai krāsa",
    },
    "lt": {
        "title": "Ar prekė tokia, kokios tikėjotės?",
        "option.worse": "Prastesnė, nei tikėjausi",
        "option.as": "Tokia, kokios tikėjausi",
        "option.better": "Geresnė, nei tikėjausi",
        "follow_up": "Kas ne taip, kaip tikėjotės?",
        "follow_up_placeholder": "Pavyzdžiui, kokybė, dydis ar spalva",
    },
    "et": {
        "title": "Kas toode on selline, nagu ootasite?",
        "option.worse": "Halvem, kui ootasin",
        "option.as": "Selline, nagu ootasin",
        "option.better": "Parem, kui ootasin",
        "follow_up": "Mis on teisiti?",
        "follow_up_placeholder": "Näiteks kvaliteet, suurus või värv",
    },
    "ru": {
        "title": "Оправдал ли товар ваши ожидания?",
        "option.worse": "Хуже, чем ожидалось",
        "option.as": "Как и ожидалось",
        "option.better": "Лучше, чем ожидалось",
        "follow_up": "Что оказалось не так?",
        "follow_up_placeholder": "Например, качество, размер или цвет",
    },
    "en": {
        "title": "Is the product what you expected?",
        "option.worse": "Worse than I expected",
        "option.as": "As I expected",
        "option.better": "Better than I expected",
        "follow_up": "What is different?",
        "follow_up_placeholder": "For example, quality, size or colour",
    },
    "pl": {
        "title": "Czy produkt spełnia Twoje oczekiwania?",
        "option.worse": "Gorszy od oczekiwań",
        "option.as": "Zgodny z oczekiwaniami",
        "option.better": "Lepszy od oczekiwań",
        "follow_up": "Co jest nie tak?",
        "follow_up_placeholder": "Na przykład jakość, rozmiar lub kolor",
    },
    "de": {
        "title": "Ist das Produkt so, wie Sie es erwartet haben?",
        "option.worse": "Schlechter als erwartet",
        "option.as": "Wie erwartet",
        "option.better": "Besser als erwartet",
        "follow_up": "Was ist anders?",
        "follow_up_placeholder": "Zum Beispiel Qualität, Größe oder Farbe",
    },
    "fi": {
        "title": "Vastasiko tuote odotuksiasi?",
        "option.worse": "Huonompi kuin odotin",
        "option.as": "Sellainen kuin odotin",
        "option.better": "Parempi kuin odotin",
        "follow_up": "Mikä on toisin?",
        "follow_up_placeholder": "Esimerkiksi laatu, koko tai väri",
    },
}

_WHY_US: Final[Texts] = {
    "lv": {
        "title": "Kāpēc izvēlējāties mūsu veikalu?",
        "option.price": "Laba cena",
        "option.range": "Plaša izvēle",
        "option.stock": "Prece bija pieejama uzreiz",
        "option.delivery": "Ērta piegāde",
        "option.trust": "Uzticos šim veikalam",
        "option.other": "Cits iemesls",
        "follow_up": "Kāds ir šis iemesls?",
    },
    "lt": {
        "title": "Kodėl pasirinkote mūsų parduotuvę?",
        "option.price": "Gera kaina",
        "option.range": "Platus pasirinkimas",
        "option.stock": "Prekė buvo sandėlyje",
        "option.delivery": "Patogus pristatymas",
        "option.trust": "Pasitikiu šia parduotuve",
        "option.other": "Kita priežastis",
        "follow_up": "Kokia tai priežastis?",
    },
    "et": {
        "title": "Miks valisite meie poe?",
        "option.price": "Hea hind",
        "option.range": "Lai valik",
        "option.stock": "Toode oli kohe saadaval",
        "option.delivery": "Mugav tarne",
        "option.trust": "Usaldan seda poodi",
        "option.other": "Muu põhjus",
        "follow_up": "Mis põhjus see on?",
    },
    "ru": {
        "title": "Почему вы выбрали наш магазин?",
        "option.price": "Хорошая цена",
        "option.range": "Широкий выбор",
        "option.stock": "Товар был в наличии",
        "option.delivery": "Удобная доставка",
        "option.trust": "Доверяю этому магазину",
        "option.other": "Другая причина",
        "follow_up": "Что это за причина?",
    },
    "en": {
        "title": "Why did you choose our shop?",
        "option.price": "Good price",
        "option.range": "Wide choice",
        "option.stock": "It was in stock",
        "option.delivery": "Convenient delivery",
        "option.trust": "I trust this shop",
        "option.other": "Another reason",
        "follow_up": "What was the reason?",
    },
    "pl": {
        "title": "Dlaczego wybierasz nasz sklep?",
        "option.price": "Dobra cena",
        "option.range": "Duży wybór",
        "option.stock": "Produkt dostępny od ręki",
        "option.delivery": "Wygodna dostawa",
        "option.trust": "Ufam temu sklepowi",
        "option.other": "Inny powód",
        "follow_up": "Jaki to powód?",
    },
    "de": {
        "title": "Warum haben Sie unseren Shop gewählt?",
        "option.price": "Guter Preis",
        "option.range": "Große Auswahl",
        "option.stock": "Sofort verfügbar",
        "option.delivery": "Bequeme Lieferung",
        "option.trust": "Ich vertraue diesem Shop",
        "option.other": "Anderer Grund",
        "follow_up": "Welcher Grund war das?",
    },
    "fi": {
        "title": "Miksi valitsit kauppamme?",
        "option.price": "Hyvä hinta",
        "option.range": "Laaja valikoima",
        "option.stock": "Tuote oli heti saatavilla",
        "option.delivery": "Kätevä toimitus",
        "option.trust": "Luotan tähän kauppaan",
        "option.other": "Muu syy",
        "follow_up": "Mikä syy se oli?",
    },
}

_NEARLY_STOPPED: Final[Texts] = {
    "lv": {
        "title": "Kas jūs gandrīz atturēja no pirkuma?",
        "placeholder": "Cena, piegāde, apmaksa, trūkstoša informācija…",
    },
    "lt": {
        "title": "Kas vos nesutrukdė jums apsipirkti?",
        "placeholder": "Kaina, pristatymas, apmokėjimas, trūkstama informacija…",
    },
    "et": {
        "title": "Mis oleks teid peaaegu ostmast takistanud?",
        "placeholder": "Hind, tarne, maksmine, puuduv info…",
    },
    "ru": {
        "title": "Что чуть не остановило вас перед покупкой?",
        "placeholder": "Цена, доставка, оплата, нехватка информации…",
    },
    "en": {
        "title": "What nearly stopped you from buying?",
        "placeholder": "Price, delivery, payment, missing information…",
    },
    "pl": {
        "title": "Co prawie powstrzymało Cię od zakupu?",
        "placeholder": "Cena, dostawa, płatność, brak informacji…",
    },
    "de": {
        "title": "Was hätte Sie fast vom Kauf abgehalten?",
        "placeholder": "Preis, Lieferung, Bezahlung, fehlende Angaben…",
    },
    "fi": {
        "title": "Mikä melkein esti sinua ostamasta?",
        "placeholder": "Hinta, toimitus, maksaminen, puuttuvat tiedot…",
    },
}

_RECOMMEND: Final[Texts] = {
    "lv": {
        "title": "Vai jūs mūs ieteiktu draugiem vai ģimenei?",
        "low": "Noteikti ne",
        "high": "Noteikti jā",
        "follow_up_low": "Ko mums vajadzētu uzlabot?",
        "follow_up": "Kas jums pie mums patīk?",
    },
    "lt": {
        "title": "Ar rekomenduotumėte mus draugams ar artimiesiems?",
        "low": "Tikrai ne",
        "high": "Tikrai taip",
        "follow_up_low": "Ką turėtume pagerinti?",
        "follow_up": "Kas jums pas mus patinka?",
    },
    "et": {
        "title": "Kas soovitaksite meid sõpradele või perele?",
        "low": "Kindlasti mitte",
        "high": "Kindlasti jah",
        "follow_up_low": "Mida peaksime paremini tegema?",
        "follow_up": "Mis teile meie juures meeldib?",
    },
    "ru": {
        "title": "Посоветуете ли вы нас друзьям или близким?",
        "low": "Точно нет",
        "high": "Точно да",
        "follow_up_low": "Что нам стоит улучшить?",
        "follow_up": "Что вам у нас нравится?",
    },
    "en": {
        "title": "How likely are you to recommend us to friends or family?",
        "low": "Not at all likely",
        "high": "Extremely likely",
        "follow_up_low": "What should we do better?",
        "follow_up": "What do you like about us?",
    },
    "pl": {
        "title": "Czy polecisz nas znajomym lub rodzinie?",
        "low": "Na pewno nie",
        "high": "Na pewno tak",
        "follow_up_low": "Co powinniśmy poprawić?",
        "follow_up": "Co Ci się u nas podoba?",
    },
    "de": {
        "title": "Würden Sie uns Freunden oder der Familie empfehlen?",
        "low": "Sicher nicht",
        "high": "Ganz sicher",
        "follow_up_low": "Was sollten wir besser machen?",
        "follow_up": "Was gefällt Ihnen bei uns?",
    },
    "fi": {
        "title": "Suosittelisitko meitä ystävillesi tai perheellesi?",
        "low": "En missään nimessä",
        "high": "Ehdottomasti",
        "follow_up_low": "Mitä meidän pitäisi parantaa?",
        "follow_up": "Mistä pidät meissä?",
    },
}


_PRODUCT_INFO: Final[Texts] = {
    "lv": {
        "title": "Vai šeit bija viss, ko gribējāt zināt par preci?",
        "follow_up": "Kas pietrūka?",
        "follow_up_placeholder": "Piemēram, izmēri, materiāls vai piegādes laiks",
    },
    "lt": {
        "title": "Ar čia radote viską, ką norėjote žinoti apie prekę?",
        "follow_up": "Ko trūko?",
        "follow_up_placeholder": "Pavyzdžiui, matmenys, medžiaga ar pristatymo laikas",
    },
    "et": {
        "title": "Kas leidsite siit kõik, mida tahtsite toote kohta teada?",
        "follow_up": "Millest jäi puudu?",
        "follow_up_placeholder": "Näiteks mõõdud, materjal või tarneaeg",
    },
    "ru": {
        "title": "Вы нашли здесь всё, что хотели узнать о товаре?",
        "follow_up": "Чего не хватило?",
        "follow_up_placeholder": "Например, размеры, материал или срок доставки",
    },
    "en": {
        "title": "Did this page tell you all you wanted to know?",
        "follow_up": "What was missing?",
        "follow_up_placeholder": "For example, measurements, material or delivery time",
    },
    "pl": {
        "title": "Czy jest tu wszystko, co chcesz wiedzieć o produkcie?",
        "follow_up": "Czego zabrakło?",
        "follow_up_placeholder": "Na przykład wymiary, materiał lub czas dostawy",
    },
    "de": {
        "title": "Haben Sie hier alles über das Produkt erfahren?",
        "follow_up": "Was hat gefehlt?",
        "follow_up_placeholder": "Zum Beispiel Maße, Material oder Lieferzeit",
    },
    "fi": {
        "title": "Löysitkö täältä kaiken, mitä halusit tietää tuotteesta?",
        "follow_up": "Mitä jäi puuttumaan?",
        "follow_up_placeholder": "Esimerkiksi mitat, materiaali tai toimitusaika",
    },
}

_NOTHING_FOUND: Final[Texts] = {
    "lv": {"title": "Mēs neko neatradām. Ko jūs meklējāt?"},
    "lt": {"title": "Nieko neradome. Ko ieškojote?"},
    "et": {"title": "Me ei leidnud midagi. Mida te otsisite?"},
    "ru": {"title": "Мы ничего не нашли. Что вы искали?"},
    "en": {"title": "We found nothing. What were you looking for?"},
    "pl": {"title": "Nic nie znaleźliśmy. Czego szukasz?"},
    "de": {"title": "Wir haben nichts gefunden. Was haben Sie gesucht?"},
    "fi": {"title": "Emme löytäneet mitään. Mitä etsit?"},
}


def _first(*keys: str, **renamed: str) -> Texts:
    """What is said in search-found too, under its own key or another."""
    return {
        lang: {new: words[key] for new, key in {**{key: key for key in keys}, **renamed}.items()}
        for lang, words in TEXTS["search-found"].items()
    }


def _joined(*parts: Texts) -> dict[str, dict[str, str]]:
    return {lang: {key: text for part in parts for key, text in part[lang].items()} for lang in LANGUAGES}


_MADE = (
    QuestionSet(
        "search-found", "search", "search", "yes_no",
        "Whether shoppers find what they search for, and what they miss.",
        TEXTS["search-found"], {"follow_up": "no"},
    ),
    QuestionSet(
        "nothing-found", "search", "search", "text",
        "What shoppers wanted where the search shows nothing; on such pages it comes before the question whether they found it.",
        _joined(_COMMON, _NOTHING_FOUND, _first("thanks", placeholder="follow_up_placeholder")), {"results": "none"},
    ),
    QuestionSet(
        "product-info", "choice", "product", "yes_no",
        "What the page of a product leaves open, asked of those who are about to leave it.",
        _joined(_COMMON, _PRODUCT_INFO, _first("yes", "no")), {"follow_up": "no", "trigger": "exit"},
    ),
    QuestionSet(
        "order-rating", "order", "order", "stars",
        "How shopping went, right after the order.",
        TEXTS["order-rating"], {"follow_up": "always"},
    ),
    QuestionSet(
        "order-effort", "order", "order", "ces",
        "How easy it is to order, and what gets in the way.",
        _joined(_COMMON, _EASE, _ORDER_EFFORT), {"follow_up": [{"when": [1, 2, 3, 4]}]},
    ),
    QuestionSet(
        "why-us", "choice", "order", "choices",
        "What made buyers choose this shop and no other.",
        _joined(_COMMON, _WHY_US),
        {
            "options": ["price", "range", "stock", "delivery", "trust", "other"],
            "follow_up": [{"when": ["other"]}],
        },
    ),
    QuestionSet(
        "nearly-stopped", "order", "order", "text",
        "What nearly kept those away who did buy: it keeps away those who did not.",
        _joined(_COMMON, _NEARLY_STOPPED),
    ),
    QuestionSet(
        "delivery-rating", "delivery", "link", "csat",
        "How the delivery went, and what went wrong.",
        _joined(_COMMON, _DELIVERY), {"follow_up": [{"when": [1, 2, 3]}]},
    ),
    QuestionSet(
        "parcel-locker", "delivery", "link", "ces",
        "How easy it was to get the parcel out of the locker.",
        _joined(_COMMON, _EASE, _PARCEL_LOCKER), {"follow_up": [{"when": [1, 2, 3, 4]}]},
    ),
    QuestionSet(
        "as-expected", "product", "link", "choice",
        "Whether what arrived is worse, as or better than expected.",
        _joined(_COMMON, _EXPECTED), {"options": ["worse", "as", "better"], "follow_up": [{"when": ["worse"]}]},
    ),
    QuestionSet(
        "recommend", "relationship", "order", "nps",
        "Whether customers would recommend the shop, in waves of 90 days.",
        _joined(_COMMON, _RECOMMEND),
        {"follow_up": [{"when": [0, 1, 2, 3, 4, 5, 6], "text": "follow_up_low"}, {}], "every_days": 90},
    ),
)  # fmt: skip

SETS: Final[Mapping[str, QuestionSet]] = {made.name: made for made in _MADE}
"""Every ready question by the name it gets in a shop."""

FIRST: Final = ("search-found", "order-rating")
"""Those that every shop starts with."""


@cache
def ready_texts(kind: str) -> dict[str, dict[str, str]]:
    """{language: {key: text}}: the texts of a type that any question of it may have: names of the ends and faces, yes
    and no, send, close, thanks, and "anything you'd like to add?"."""
    typical = next((made for made in _MADE if made.type == kind), None)
    keys = question_types()[kind].texts if kind in question_types() else ()
    ready: dict[str, dict[str, str]] = {}
    for lang in LANGUAGES:
        own = {} if typical is None else {key: typical.texts[lang][key] for key in keys}
        ready[lang] = {**own, **_COMMON[lang], "follow_up": TEXTS["order-rating"][lang]["follow_up"]}
    return ready
