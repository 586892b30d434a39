"""What shoppers of the sample shop search for, say and buy. Made up; nobody's words."""

from typing import Final, NamedTuple


class Query(NamedTuple):
    """A search as it is typed, how often, how many results it shows, how likely it is found, and what they looked for."""

    says: tuple[str, ...]
    often: int
    results: int
    found: float
    missed: tuple[str, ...]


class Product(NamedTuple):
    """`liked` shifts the stars of orders with it in them."""

    sku: str
    name: str
    category: str
    price: str
    liked: float


QUERIES: Final = {
    "lv": (
        Query(("linu dvielis", "lina dvielis", "Linu dvielis"), 9, 14, 0.88, ("lielu pirts dvieli",)),
        Query(("dāvanu karte", "davanu karte", "Dāvanu karte"), 12, 3, 0.06, ("dāvanu karti mammai", "dāvanu karti 50 eiro", "vai jums vispār ir dāvanu kartes?")),
        Query(("keramikas krūze", "krūze"), 7, 22, 0.84, ("krūzi ar rokturi kreilim",)),
        Query(("galdauts", "Galdauts"), 6, 9, 0.42, ("galdautu 150 × 250", "apaļu galdautu")),
        Query(("vilnas sega", "vilnas seģene"), 5, 6, 0.8, ("segu bērna gultiņai",)),
        Query(("svečturis",), 4, 5, 0.75, ("zemu svečturi divām svecēm",)),
        Query(("adventes vainags", "Adventes vainags"), 3, 0, 0.03, ("Adventes vainagu ar svecēm", "pamatni vainagam")),
    ),
    "lt": (
        Query(("lininis rankšluostis", "rankšluostis"), 7, 14, 0.86, ("didelio pirties rankšluosčio",)),
        Query(("dovanų kuponas", "dovanu kuponas"), 4, 2, 0.07, ("dovanų kupono 30 eurų", "elektroninio kupono")),
        Query(("puodelis", "keramikinis puodelis"), 6, 22, 0.85, ("puodelio su dangteliu",)),
        Query(("staltiesė", "staltiese"), 4, 9, 0.45, ("apvalios staltiesės", "staltiesės 3 metrų")),
    ),
    "et": (
        Query(("linane rätik", "rätik"), 4, 14, 0.85, ("suurt saunarätikut",)),
        Query(("kinkekaart", "Kinkekaart"), 3, 2, 0.06, ("kinkekaarti emale", "e-kinkekaarti")),
        Query(("keraamiline kruus", "kruus"), 3, 22, 0.86, ("suurt kruusi",)),
    ),
    "ru": (
        Query(("льняное полотенце", "полотенце"), 6, 14, 0.84, ("большое банное полотенце",)),
        Query(("подарочная карта", "Подарочная карта"), 7, 3, 0.06, ("подарочную карту на 50 евро", "электронную карту")),
        Query(("скатерть",), 4, 9, 0.4, ("круглую скатерть", "скатерть 150 на 250")),
    ),
    "en": (
        Query(("linen towel", "towel", "Linen towel"), 5, 14, 0.87, ("a large sauna towel",)),
        Query(("gift card", "Gift card", "giftcard"), 4, 3, 0.05, ("a gift card for my mum", "an e-mail gift card")),
        Query(("mug", "ceramic mug"), 4, 22, 0.86, ("a mug for the left-handed",)),
    ),
}  # fmt: skip

PRODUCTS: Final = (
    Product("L-100", "Linen towel, natural", "linen", "18.00", 0.2),
    Product("L-120", "Linen tablecloth 140 x 180", "linen", "54.00", 0.1),
    Product("K-210", "Ceramic mug, blue", "ceramics", "16.50", 0.2),
    Product("K-230", "Ceramic teapot", "ceramics", "48.00", -2.4),
    Product("S-310", "Wool blanket, grey", "wool", "79.00", 0.3),
    Product("S-330", "Wool socks", "wool", "14.00", 0.2),
    Product("V-410", "Beeswax candles, six", "candles", "12.00", 0.1),
    Product("V-430", "Oak candlestick", "candles", "36.00", 0.0),
)

GOOD: Final = {
    "lv": ("Viss ātri un skaisti iepakots.", "Krūze vēl skaistāka nekā attēlā!", "Paldies, pirkšu vēl."),
    "lt": ("Viskas greitai ir gražiai supakuota.", "Ačiū, pirksiu dar."),
    "et": ("Kõik kiiresti ja ilusti pakitud.", "Aitäh, ostan veel."),
    "ru": ("Всё быстро и красиво упаковано.", "Спасибо, куплю ещё."),
    "en": ("Quick, and beautifully wrapped.", "Even nicer than in the picture."),
}
POOR: Final = {
    "lv": ("Tējkanna atnāca ar plaisu.", "Snīpis tek, nevar ieliet tēju.", "Nevarēju samaksāt ar savu banku."),
    "lt": ("Arbatinukas atvyko įskilęs.", "Arbatinukas laša."),
    "et": ("Teekann saabus mõraga.", "Teekann tilgub."),
    "ru": ("Чайник пришёл с трещиной.", "У чайника течёт носик."),
    "en": ("The teapot came with a crack.", "The teapot drips."),
}
LATE: Final = {
    "lv": ("Kurjers kavējās trīs dienas.", "Pakomāts bija pilns, gaidīju nedēļu.", "Neviens nepateica, ka kavēsies."),
    "lt": ("Kurjeris vėlavo tris dienas.", "Paštomatas buvo pilnas."),
    "et": ("Kuller hilines kolm päeva.", "Pakiautomaat oli täis."),
    "ru": ("Курьер опоздал на три дня.", "Пакомат был полон."),
    "en": ("The courier was three days late.", "The locker was full, so I waited a week."),
}
UNCLEAR: Final = {
    "lv": ("Cik gara ir sega?", "Vai drīkst mazgāt 60 grādos?"),
    "lt": ("Kokio ilgio antklodė?", "Ar galima skalbti 60 laipsnių?"),
    "et": ("Kui pikk on tekk?", "Kas võib pesta 60 kraadiga?"),
    "ru": ("Какой длины плед?", "Можно ли стирать при 60 градусах?"),
    "en": ("How long is the blanket?", "Can it be washed at 60 degrees?"),
}

HOME: Final = {
    "lv": "Vai šeit viegli atrast vajadzīgo?",
    "lt": "Ar čia lengva rasti tai, ko reikia?",
    "et": "Kas siit on lihtne vajalikku leida?",
    "ru": "Легко ли здесь найти нужное?",
    "en": "Is it easy to find your way around here?",
}
