import type { Words } from "./words";

export const lt: Words = {
  tag: "lt",
  title: "Kodėl klausimas čia rodomas arba nerodomas",
  close: "Uždaryti",
  fold: "Išsamiau",
  only_you: "Šį langą matote tik jūs, nes puslapis atvertas su `atbalss_why=1`. Jo turinys niekur nesiunčiamas.",
  history: "Žingsnis po žingsnio",
  states: { shown: "Parodytas", waits: "Laukia", not: "Nerodomas" },
  page: {
    looking: "Puslapis apžiūrimas.",
    search: "Šis puslapis palaikytas paieškos „{query}“ rezultatais. Rezultatų skaičius: {results}.",
    search_uncounted:
      "Šis puslapis palaikytas paieškos „{query}“ rezultatais. Rezultatų skaičiaus puslapyje perskaityti nepavyko; jį gali nurodyti atributas `data-atbalss-results`.",
    order: "Šis puslapis palaikytas užsakymo patvirtinimu.",
    product: "Šis puslapis palaikytas prekės puslapiu.",
    page: "Šis puslapis palaikytas įprastu: jame nėra nei paieškos rezultatų, nei užsakymo patvirtinimo, nei prekės.",
  },
  consent: {
    none: "Šioje naršyklėje nieko nesaugoma: tam neduotas sutikimas arba jo neprireikė. Klausimai vis tiek užduodami.",
    given: "Lankytojas sutiko: šioje naršyklėje įsimenama, kas rodyta ir atsakyta.",
    not_given: "Lankytojas nesutiko arba dar neatsakė: šioje naršyklėje nieko nesaugoma. Klausimai vis tiek užduodami.",
    gpc: "Ši naršyklė visų puslapių prašo privatumo (Global Privacy Control): joje nieko nesaugoma. Klausimai vis tiek užduodami.",
    never: "Parduotuvės nustatymuose nurodyta, kad naršyklėje niekada nieko nesaugoma (`consent`: `never`).",
  },
  placements: {
    search: "paieškos rezultatai",
    order: "užsakymo patvirtinimas",
    product: "prekių puslapiai",
    page: "pagal taisykles parinkti puslapiai",
  },
  results: { none: "paieška nieko nerado", some: "paieška ką nors rado" },
  undecided: { is: "Dėl šio klausimo dar nieko nenuspręsta." },
  refused_order: {
    is: "Šio puslapio užsakymo žymuo nieko neįrodo, todėl atsakymai iš jo nepriimami.",
    todo: "Patikrinkite, ar parduotuvė jį pasirašo būtent šios parduotuvės užsakymų slaptuoju raktu ir šiam parduotuvės raktui.",
  },
  refused_other: {
    is: "Serveris nepriima to, ką šis puslapis siunčia (būsena {status}).",
    todo: "Priežastį nurodo naršyklės konsolė. Įkelkite puslapį iš naujo be naršyklės podėlio; skriptas gali būti iš senesnės versijos.",
  },
  reasons: {
    shown: { is: "Klausimas šiame puslapyje buvo parodytas." },
    no_page: {
      is: "Šiam puslapiui neskirtas nė vienas parduotuvės klausimas.",
      todo: "Jei norite klausti ir čia, pridėkite klausimą tokiam puslapiui arba pakeiskite, kur kuris nors jų užduodamas (`placement`, `where`).",
    },
    paused: { is: "Klausimas sustabdytas.", todo: "Vėl jį įjunkite, kai norėsite klausti (`paused`)." },
    unscheduled: { is: "Šiuo metu šis klausimas neužduodamas: jis dar neprasidėjo arba jau baigėsi.", todo: "Nuo kada iki kada, nurodo nustatymai `starts` ir `ends`." },
    "refused": {
      is: "Atsakymai iš šio puslapio nepriimami: {host} nėra tarp parduotuvės domenų.",
      todo: "Pridėkite {host} prie parduotuvės domenų (`PUT /v1/domains`).",
    },
    unknown_shop: {
      is: "Parduotuvės su raktu {key} nėra.",
      todo: "Dar kartą nukopijuokite parduotuvės skripto eilutę ir palyginkite `data-shop`.",
    },
    unreachable: {
      is: "„Atbalss“ serveris {server} neatsakė.",
      todo: "Patikrinkite, ar jis veikia, ar teisingas jo adresas ir ar jo nedraudžia reklamos blokavimo įrankis arba puslapio saugumo taisyklės (CSP `connect-src`).",
    },
    url: {
      is: "Šio puslapio adresas {path} neatitinka klausimo taisyklių: {where}.",
      todo: "Jei norite klausti ir čia, pakeiskite nustatymą `where`.",
    },
    placement: {
      is: "Šis klausimas skirtas kitai vietai: {placement}.",
      todo: "Jei norite jį užduoti čia, pakeiskite jo `placement`.",
    },
    results: {
      is: "Klausimas užduodamas tik tada, kai {results}.",
      todo: "Jei norite klausti po kiekvienos paieškos, pašalinkite nustatymą `results`.",
    },
    selector: {
      is: "Puslapyje nėra (arba dar nėra) elemento, kurio klausimas laukia: {selector}.",
      todo: "Klausimas pasirodys, kai tik jis ten atsiras. Jei jis jau yra, patikrinkite nustatymą `selector`.",
    },
    waiting_delay: {
      is: "Klausimas netrukus pasirodys: jis laukia {delay} s.",
      todo: "Tai keičia nustatymas `delay`.",
    },
    waiting_scroll: {
      is: "Klausimas laukia, kol bus paslinkta {scroll} % puslapio.",
      todo: "Norėdami jį pamatyti, slinkite žemyn.",
    },
    waiting_exit: {
      is: "Klausimas laukia, kol lankytojas ruošis išeiti.",
      todo: "Norėdami jį pamatyti, išveskite pelę pro lango viršų; telefone greitai slinkite atgal į viršų arba grįžkite iš kitos kortelės.",
    },
    waiting_idle: {
      is: "Klausimas laukia, kol {idle} s nieko nevyks.",
      todo: "Norėdami jį pamatyti, tiek laiko nelieskite nei pelės, nei klaviatūros.",
    },
    waiting_event: {
      is: "Klausimas laukia parduotuvės puslapio įvykio „{event}“.",
      todo: 'Puslapis turi iškviesti `atbalss.push({event: "{event}"})` su tinkamomis reikšmėmis, jei nustatytas `match`.',
    },
    sampled: {
      is: "Klausiama tik dalies apsilankymų metu ({sample} %), ir šis burtų keliu į ją nepateko.",
      todo: "Jei norite klausti dažniau, padidinkite nustatymą `sample`.",
    },
    "asked": { is: "Klausimas per šį apsilankymą jau užduotas.", todo: "Norėdami jį pamatyti dar kartą, įkelkite puslapį iš naujo." },
    answered: {
      is: "Apie šį užsakymą jau atsakyta arba šis lankytojas jau atsakė.",
      todo: "Norėdami jį pamatyti dar kartą, naudokite kitą užsakymą arba privataus naršymo langą.",
    },
    cap: {
      is: "Šis lankytojas klausimą jau matė tiek kartų, kiek leidžiama (daugiausia: {most}).",
      todo: "Tai keičia nustatymas `most`. Norėdami jį pamatyti dar kartą, naudokite privataus naršymo langą.",
    },
    wave: {
      is: "Šio lankytojo šiame etape jau klausta (etapo trukmė dienomis: {every_days}).",
      todo: "Tai keičia nustatymas `every_days`. Norėdami jį pamatyti dar kartą, naudokite privataus naršymo langą.",
    },
    cooldown: {
      is: "Klausimas šiam lankytojui neseniai rodytas (pertrauka: {cooldown_hours} val.).",
      todo: "Tai keičia klausimo nustatymas `cooldown_hours`. Norėdami jį pamatyti dar kartą, naudokite privataus naršymo langą.",
    },
    cooldown_all: {
      is: "Šiam lankytojui neseniai rodytas kitas klausimas (pertrauka tarp bet kurių dviejų: {pause} val.).",
      todo: "Tai keičia parduotuvės nustatymas `cooldown_hours`. Norėdami jį pamatyti dabar, naudokite privataus naršymo langą.",
    },
    checkout: { is: "Šiame puslapyje pirkėjai moka, todėl čia nieko neklausiamas." },
    hidden: { is: "Kortelė yra fone. Klausimas pasirodys, kai kas nors į ją pažiūrės." },
    typing: {
      is: "Aktyvus puslapio laukas. Klausimas netrukdo, kol kas nors galbūt rašo.",
      todo: "Norėdami jį pamatyti, spustelėkite šalia lauko.",
    },
    dialog: { is: "Puslapyje atvertas parduotuvės langas.", todo: "Klausimas pasirodys, kai jis bus uždarytas." },
    covered: {
      is: "Vietoje, kurioje pasirodytų klausimas, yra kitas puslapio elementas, pavyzdžiui, slapukų pranešimas.",
      todo: "Klausimas pasirodys, kai jo nebeliks. Jei jis ten visada, perkelkite klausimą į kitą pusę (`position`).",
    },
    another: {
      is: "Kitas klausimas buvo pirmesnis. Viename puslapyje rodomas ne daugiau kaip vienas.",
      todo: "Norėdami rodyti šį, sustabdykite kitą arba parinkite jiems skirtingas vietas.",
    },
    unsupported: {
      is: "Šio puslapio skriptas nežino „{type}“ tipo klausimų.",
      todo: "Įkelkite puslapį iš naujo be naršyklės podėlio. Jei tai nepadeda, skriptas yra iš senesnės versijos.",
    },
    inline_missing: {
      is: "Puslapyje nėra elemento, kuriame turi būti klausimas: {inline}.",
      todo: "Patikrinkite nustatymą `inline` arba jį pašalinkite, kad klausimas būtų rodomas kampe.",
    },
    inline_room: {
      is: "Klausimas laukia: jei būtų įterptas dabar, pasislinktų tai, ką lankytojas mato.",
      todo: "Jis pasirodys, kai jo vieta bus už matomos dalies. Kad būtų rodomas iš karto, skirkite elementui `{inline}` pakankamai aukščio.",
    },
  },
};
