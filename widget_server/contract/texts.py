"""What a shopper reads, in the five languages a new shop starts with.

Every text of the panel comes with its question from the server, so the snippet carries none and an owner
can change each of them. `follow_up` is asked after the first tap and never has to be answered. `star` is a
pattern: "{n}" stands for the number, worded so that no language needs a plural form.
"""

from typing import Final

LANGUAGES: Final = ("lv", "lt", "et", "ru", "en")

FALLBACK: Final = "en"
"""For a page in any other language."""

TEXTS: Final[dict[str, dict[str, dict[str, str]]]] = {
    "search-found": {
        "lv": {
            "title": "Vai atradāt, ko meklējāt?",
            "yes": "Jā",
            "no": "Nē",
            "follow_up": "Ko jūs meklējāt?",
            "follow_up_placeholder": "Piemēram, prece, zīmols vai izmērs",
            "send": "Nosūtīt",
            "thanks": "Paldies! Tas palīdzēs mums uzlabot meklēšanu.",
            "close": "Aizvērt",
        },
        "lt": {
            "title": "Ar radote, ko ieškojote?",
            "yes": "Taip",
            "no": "Ne",
            "follow_up": "Ko ieškojote?",
            "follow_up_placeholder": "Pavyzdžiui, prekė, prekės ženklas ar dydis",
            "send": "Siųsti",
            "thanks": "Ačiū! Tai padės mums pagerinti paiešką.",
            "close": "Uždaryti",
        },
        "et": {
            "title": "Kas leidsite, mida otsisite?",
            "yes": "Jah",
            "no": "Ei",
            "follow_up": "Mida te otsisite?",
            "follow_up_placeholder": "Näiteks toode, kaubamärk või suurus",
            "send": "Saada",
            "thanks": "Aitäh! See aitab meil otsingut paremaks teha.",
            "close": "Sulge",
        },
        "ru": {
            "title": "Вы нашли то, что искали?",
            "yes": "Да",
            "no": "Нет",
            "follow_up": "Что вы искали?",
            "follow_up_placeholder": "Например, товар, бренд или размер",
            "send": "Отправить",
            "thanks": "Спасибо! Это поможет нам улучшить поиск.",
            "close": "Закрыть",
        },
        "en": {
            "title": "Did you find what you were looking for?",
            "yes": "Yes",
            "no": "No",
            "follow_up": "What were you looking for?",
            "follow_up_placeholder": "For example, a product, brand or size",
            "send": "Send",
            "thanks": "Thank you! This helps us improve our search.",
            "close": "Close",
        },
    },
    "order-rating": {
        "lv": {
            "title": "Kā jums patika iepirkties pie mums?",
            "low": "Nepatika",
            "high": "Ļoti patika",
            "star": "{n} no 5 zvaigznēm",
            "follow_up": "Vai vēlaties ko piebilst?",
            "follow_up_placeholder": "Kas bija labi, ko varētu uzlabot?",
            "send": "Nosūtīt",
            "thanks": "Paldies par vērtējumu!",
            "close": "Aizvērt",
        },
        "lt": {
            "title": "Kaip jums patiko apsipirkti pas mus?",
            "low": "Nepatiko",
            "high": "Labai patiko",
            "star": "{n} iš 5 žvaigždučių",
            "follow_up": "Ar norite ką nors pridurti?",
            "follow_up_placeholder": "Kas patiko, ką galėtume pagerinti?",
            "send": "Siųsti",
            "thanks": "Ačiū už įvertinimą!",
            "close": "Uždaryti",
        },
        "et": {
            "title": "Kuidas teile meie juures ostlemine meeldis?",
            "low": "Ei meeldinud",
            "high": "Väga meeldis",
            "star": "{n} viiest tärnist",
            "follow_up": "Kas soovite midagi lisada?",
            "follow_up_placeholder": "Mis oli hästi, mida saaksime paremini teha?",
            "send": "Saada",
            "thanks": "Aitäh hinnangu eest!",
            "close": "Sulge",
        },
        "ru": {
            "title": "Как прошла ваша покупка?",
            "low": "Плохо",
            "high": "Отлично",
            "star": "{n} из 5 звёзд",
            "follow_up": "Хотите что-нибудь добавить?",
            "follow_up_placeholder": "Что понравилось, что можно улучшить?",
            "send": "Отправить",
            "thanks": "Спасибо за оценку!",
            "close": "Закрыть",
        },
        "en": {
            "title": "How was shopping with us?",
            "low": "Poor",
            "high": "Great",
            "star": "{n} of 5 stars",
            "follow_up": "Anything you’d like to add?",
            "follow_up_placeholder": "What was good, what could be better?",
            "send": "Send",
            "thanks": "Thank you for your rating!",
            "close": "Close",
        },
    },
}
