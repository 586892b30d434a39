"""The ready questions in Arabic, for tests and pictures only: how everything looks and works from right to left.

The house has no ready texts in such a language; an owner who writes them gets what is tested with these.
"""

from typing import Final

from widget_server.contract.sets import SETS

LANG: Final = "ar"

_COMMON = {"send": "إرسال", "thanks": "شكرًا لك على إجابتك!", "close": "إغلاق"}
_EASE = {"low": "صعب جدًا", "high": "سهل جدًا", "follow_up": "ما الذي كان صعبًا؟"}
_OWN: dict[str, dict[str, str]] = {
    "search-found": {
        "title": "هل وجدت ما كنت تبحث عنه؟",
        "yes": "نعم",
        "no": "لا",
        "follow_up": "ما الذي كنت تبحث عنه؟",
        "follow_up_placeholder": "مثلًا: منتج أو علامة تجارية أو مقاس",
    },
    "nothing-found": {
        "title": "لم نجد شيئًا. ما الذي كنت تبحث عنه؟",
        "placeholder": "مثلًا: منتج أو علامة تجارية أو مقاس",
    },
    "product-info": {
        "title": "هل وجدت هنا كل ما أردت معرفته عن المنتج؟",
        "yes": "نعم",
        "no": "لا",
        "follow_up": "ما الذي كان ناقصًا؟",
        "follow_up_placeholder": "مثلًا: المقاسات أو المادة أو مدة التوصيل",
    },
    "order-rating": {
        "title": "كيف كانت تجربة التسوق معنا؟",
        "low": "سيئة",
        "high": "رائعة",
        "star": "{n} من 5 نجوم",
        "follow_up": "هل تود إضافة شيء؟",
        "follow_up_placeholder": "ما الذي أعجبك، وما الذي يمكن تحسينه؟",
    },
    "order-effort": {
        **_EASE,
        "title": "ما مدى سهولة إتمام طلبك؟",
        "follow_up_placeholder": "مثلًا: الدفع أو التوصيل أو النموذج",
    },
    "parcel-locker": {
        **_EASE,
        "title": "ما مدى سهولة استلام طردك من خزانة الطرود؟",
        "follow_up_placeholder": "مثلًا: الرمز أو الباب أو الموقع",
    },
    "delivery-rating": {
        "title": "كيف كان التوصيل؟",
        "option.1": "سيئ جدًا",
        "option.2": "سيئ",
        "option.3": "متوسط",
        "option.4": "جيد",
        "option.5": "جيد جدًا",
        "follow_up": "ما الذي لم يكن على ما يرام؟",
        "follow_up_placeholder": "مثلًا: تأخير أو التغليف أو المندوب",
    },
    "as-expected": {
        "title": "هل المنتج كما توقعته؟",
        "option.worse": "أسوأ مما توقعت",
        "option.as": "كما توقعت",
        "option.better": "أفضل مما توقعت",
        "follow_up": "ما الاختلاف؟",
        "follow_up_placeholder": "مثلًا: الجودة أو المقاس أو اللون",
    },
    "why-us": {
        "title": "لماذا اخترت متجرنا؟",
        "option.price": "سعر جيد",
        "option.range": "تشكيلة واسعة",
        "option.stock": "المنتج متوفر فورًا",
        "option.delivery": "توصيل مريح",
        "option.trust": "أثق بهذا المتجر",
        "option.other": "سبب آخر",
        "follow_up": "ما هو هذا السبب؟",
    },
    "nearly-stopped": {
        "title": "ما الذي كاد يمنعك من الشراء؟",
        "placeholder": "السعر أو التوصيل أو الدفع أو معلومات ناقصة…",
    },
    "recommend": {
        "title": "ما مدى احتمال أن توصي بنا لأصدقائك أو عائلتك؟",
        "low": "غير محتمل إطلاقًا",
        "high": "محتمل جدًا",
        "follow_up_low": "ما الذي ينبغي أن نحسّنه؟",
        "follow_up": "ما الذي يعجبك لدينا؟",
    },
}

TEXTS: Final = {name: {**_COMMON, **_OWN[name]} for name in SETS}
"""{name of the set: {key: text}}, every set of the house."""
