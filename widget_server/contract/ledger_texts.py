"""Each line of the points ledger in words, for the customer whose line it is. Pure.

What a line is about stands behind a colon in its basic form, so no language has to bend a name or an order's number, and
none needs a plural: the number of points stands beside the sentence.
"""

from collections.abc import Mapping
from typing import Final

from .coupons import CouponTerms, worth
from .points import ADJUST, EXPIRY, REDEEM, Entry

LANGUAGES: Final = ("en", "et", "lt", "lv", "ru")
FALLBACK: Final = "en"

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "earn": "Points earned: {fact}",
        "more": "Points added: {fact}",
        "less": "Points taken back: {fact}",
        "refunded": "Points taken back because of a refund: {fact}",
        "cancelled": "Points taken back because the order was cancelled: {fact}",
        "removed": "Points taken back because the answer was removed: {fact}",
        "quarantined": "Points taken back because the answer is being checked: {fact}",
        "moved_from": "Points moved to another account of the customer: {fact}",
        "moved_to": "Points moved from another account of the customer: {fact}",
        "redeem": "Points exchanged for a coupon: {worth}",
        "reward": "Points exchanged: {reward}",
        "failed": "Points given back because the coupon could not be made",
        "expired": "Points given back because they had already expired",
        "expiry": "Points expired",
        "adjust": "Corrected by the shop",
        "reason": "Corrected by the shop: {reason}",
        "rule": " (rule: {name})",
        "capped": ". Above the rule’s limit and not given: {capped}",
        "order": "order {ref}",
        "answer_order": "answer about order {ref}",
        "answer": "answer to the question {question}",
        "birthday": "birthday {year}",
        "silent": "a present after a long pause",
        "other": "{source}",
    },
    "lv": {
        "earn": "Nopelnīti punkti: {fact}",
        "more": "Papildus pieskaitīti punkti: {fact}",
        "less": "Atskaitīti punkti: {fact}",
        "refunded": "Punkti atskaitīti, jo nauda atmaksāta: {fact}",
        "cancelled": "Punkti atskaitīti, jo pasūtījums atcelts: {fact}",
        "removed": "Punkti atskaitīti, jo atbilde dzēsta: {fact}",
        "quarantined": "Punkti atskaitīti, jo atbilde tiek pārbaudīta: {fact}",
        "moved_from": "Punkti pārcelti uz citu klienta kontu: {fact}",
        "moved_to": "Punkti pārcelti no cita klienta konta: {fact}",
        "redeem": "Punkti iemainīti pret kuponu: {worth}",
        "reward": "Punkti iemainīti: {reward}",
        "failed": "Punkti atgriezti, jo kuponu neizdevās izveidot",
        "expired": "Punkti atgriezti, jo to termiņš jau bija beidzies",
        "expiry": "Punktu derīguma termiņš beidzies",
        "adjust": "Veikala labojums",
        "reason": "Veikala labojums: {reason}",
        "rule": " (noteikums: {name})",
        "capped": ". Pārsniedz noteikuma limitu un nav piešķirti: {capped}",
        "order": "pasūtījums {ref}",
        "answer_order": "atbilde par pasūtījumu {ref}",
        "answer": "atbilde uz jautājumu {question}",
        "birthday": "dzimšanas diena {year}",
        "silent": "dāvana pēc ilgāka pārtraukuma",
        "other": "{source}",
    },
    "lt": {
        "earn": "Uždirbti taškai: {fact}",
        "more": "Papildomai pridėti taškai: {fact}",
        "less": "Nurašyti taškai: {fact}",
        "refunded": "Taškai nurašyti, nes grąžinti pinigai: {fact}",
        "cancelled": "Taškai nurašyti, nes užsakymas atšauktas: {fact}",
        "removed": "Taškai nurašyti, nes atsakymas pašalintas: {fact}",
        "quarantined": "Taškai nurašyti, nes atsakymas tikrinamas: {fact}",
        "moved_from": "Taškai perkelti į kitą kliento paskyrą: {fact}",
        "moved_to": "Taškai perkelti iš kitos kliento paskyros: {fact}",
        "redeem": "Taškai iškeisti į kuponą: {worth}",
        "reward": "Taškai iškeisti: {reward}",
        "failed": "Taškai grąžinti, nes kupono sukurti nepavyko",
        "expired": "Taškai grąžinti, nes jų galiojimas jau buvo pasibaigęs",
        "expiry": "Taškų galiojimas baigėsi",
        "adjust": "Parduotuvės pataisymas",
        "reason": "Parduotuvės pataisymas: {reason}",
        "rule": " (taisyklė: {name})",
        "capped": ". Viršija taisyklės ribą ir nesuteikta: {capped}",
        "order": "užsakymas {ref}",
        "answer_order": "atsakymas apie užsakymą {ref}",
        "answer": "atsakymas į klausimą {question}",
        "birthday": "gimtadienis {year}",
        "silent": "dovana po ilgesnės pertraukos",
        "other": "{source}",
    },
    "et": {
        "earn": "Teenitud punktid: {fact}",
        "more": "Lisatud punktid: {fact}",
        "less": "Maha arvatud punktid: {fact}",
        "refunded": "Punktid maha arvatud, sest raha tagastati: {fact}",
        "cancelled": "Punktid maha arvatud, sest tellimus tühistati: {fact}",
        "removed": "Punktid maha arvatud, sest vastus eemaldati: {fact}",
        "quarantined": "Punktid maha arvatud, sest vastust kontrollitakse: {fact}",
        "moved_from": "Punktid viidi üle teisele kliendikontole: {fact}",
        "moved_to": "Punktid toodi üle teiselt kliendikontolt: {fact}",
        "redeem": "Punktid vahetatud kupongi vastu: {worth}",
        "reward": "Punktid vahetatud: {reward}",
        "failed": "Punktid tagastatud, sest kupongi ei õnnestunud luua",
        "expired": "Punktid tagastatud, sest need olid juba aegunud",
        "expiry": "Punktid aegusid",
        "adjust": "Poe parandus",
        "reason": "Poe parandus: {reason}",
        "rule": " (reegel: {name})",
        "capped": ". Ületab reegli piirmäära ja jäi andmata: {capped}",
        "order": "tellimus {ref}",
        "answer_order": "vastus tellimuse {ref} kohta",
        "answer": "vastus küsimusele {question}",
        "birthday": "sünnipäev {year}",
        "silent": "kingitus pärast pikemat pausi",
        "other": "{source}",
    },
    "ru": {
        "earn": "Начислены баллы: {fact}",
        "more": "Дополнительно начислены баллы: {fact}",
        "less": "Списаны баллы: {fact}",
        "refunded": "Баллы списаны из-за возврата денег: {fact}",
        "cancelled": "Баллы списаны, так как заказ отменён: {fact}",
        "removed": "Баллы списаны, так как ответ удалён: {fact}",
        "quarantined": "Баллы списаны, так как ответ проверяется: {fact}",
        "moved_from": "Баллы перенесены на другой счёт клиента: {fact}",
        "moved_to": "Баллы перенесены с другого счёта клиента: {fact}",
        "redeem": "Баллы обменяны на купон: {worth}",
        "reward": "Баллы обменяны: {reward}",
        "failed": "Баллы возвращены, так как купон создать не удалось",
        "expired": "Баллы возвращены, так как их срок уже истёк",
        "expiry": "Срок действия баллов истёк",
        "adjust": "Исправление магазина",
        "reason": "Исправление магазина: {reason}",
        "rule": " (правило: {name})",
        "capped": ". Сверх лимита правила, не начислено: {capped}",
        "order": "заказ {ref}",
        "answer_order": "ответ о заказе {ref}",
        "answer": "ответ на вопрос {question}",
        "birthday": "день рождения {year}",
        "silent": "подарок после долгого перерыва",
        "other": "{source}",
    },
}


def explain(entry: Entry, language: str | None = None) -> str:
    """The line in words; in English where the language is none of `LANGUAGES`."""
    wanted = (language or "").replace("_", "-").partition("-")[0].lower()
    texts = TEXTS.get(wanted, TEXTS[FALLBACK])
    if entry.rule == REDEEM:
        return _redemption(entry, texts)
    if entry.rule == EXPIRY:
        return texts["expired" if entry.kind == "return" else "expiry"]
    if entry.rule == ADJUST:
        reason = entry.why.get("reason")
        return texts["reason"].format(reason=reason) if reason else texts["adjust"]
    said = texts[_what(entry)].format(fact=_fact(entry.source, texts))
    name, capped = entry.why.get("name"), entry.why.get("capped")
    said += texts["rule"].format(name=name) if name else ""
    return said + (texts["capped"].format(capped=capped) if capped else "")


def _what(entry: Entry) -> str:
    because = entry.why.get("because", "")
    if because == "moved":
        return "moved_to" if entry.points > 0 else "moved_from"
    if entry.points > 0:
        return "earn" if entry.kind == "earn" else "more"
    return because if because in ("refunded", "cancelled", "removed", "quarantined") else "less"


def _redemption(entry: Entry, texts: Mapping[str, str]) -> str:
    if entry.kind == "return":
        return texts["failed"]
    if "reward" in entry.why:
        return texts["reward"].format(reward=entry.why["reward"])
    terms = CouponTerms(**entry.why["coupon"])
    return texts["redeem"].format(worth=f"{worth(terms)} {'%' if terms.kind == 'percent' else terms.currency}")


def _fact(source: str, texts: Mapping[str, str]) -> str:
    kind, _, rest = source.partition(":")
    if kind == "order":
        return texts["order"].format(ref=rest)
    if kind == "answer":
        question, _, key = rest.partition(":")
        if key.startswith("order:"):
            return texts["answer_order"].format(ref=key.removeprefix("order:"))
        return texts["answer"].format(question=question)
    if kind == "birthday":
        return texts["birthday"].format(year=rest.partition(":")[0])
    return texts["silent"] if kind == "silent" else texts["other"].format(source=source)
