import type { Words } from "./words";

export const et: Words = {
  tag: "et",
  title: "Miks küsimust siin näidatakse või mitte",
  close: "Sulge",
  fold: "Lähemalt",
  only_you: "Seda kasti näete ainult teie, sest leht avati lisandiga `atbalss_why=1`. Selle sisu ei saadeta kuhugi.",
  history: "Samm-sammult",
  states: { shown: "Näidatud", waits: "Ootab", not: "Ei näidatud" },
  page: {
    looking: "Lehte vaadatakse läbi.",
    search: "Seda lehte peeti otsingu „{query}“ tulemusteks. Tulemuste arv: {results}.",
    search_uncounted:
      "Seda lehte peeti otsingu „{query}“ tulemusteks. Tulemuste arvu ei õnnestunud lehelt lugeda; selle saab öelda atribuut `data-atbalss-results`.",
    order: "Seda lehte peeti tellimuse kinnituseks.",
    product: "Seda lehte peeti tooteleheks.",
    page: "Seda lehte peeti tavaliseks: siin pole otsingutulemusi, tellimuse kinnitust ega toodet.",
  },
  consent: {
    none: "Selles brauseris ei säilitata midagi: selleks pole nõusolekut antud või polnud seda vaja. Küsimusi esitatakse ikka.",
    given: "Külastaja on nõus: selles brauseris jäetakse meelde, mida on näidatud ja millele vastatud.",
    not_given: "Külastaja pole nõus või pole veel vastanud: selles brauseris ei säilitata midagi. Küsimusi esitatakse ikka.",
    gpc: "See brauser palub kõigilt lehtedelt privaatsust (Global Privacy Control): selles ei säilitata midagi. Küsimusi esitatakse ikka.",
    never: "Poe seadetes on öeldud, et brauseris ei säilitata kunagi midagi (`consent`: `never`).",
  },
  placements: {
    search: "otsingutulemused",
    order: "tellimuse kinnitus",
    product: "tootelehed",
    page: "reeglitega valitud lehed",
  },
  results: { none: "otsing ei leidnud midagi", some: "otsing leidis midagi" },
  undecided: { is: "Selle küsimuse kohta pole veel midagi otsustatud." },
  refused_order: {
    is: "Selle lehe tellimusetunnus ei tõenda midagi, seepärast siit vastuseid vastu ei võeta.",
    todo: "Kontrollige, et pood allkirjastab selle just selle poe tellimuste salavõtmega ja selle poe võtme jaoks.",
  },
  refused_other: {
    is: "Server ei võta vastu seda, mida see leht saadab (olek {status}).",
    todo: "Põhjust ütleb brauseri konsool. Laadige leht uuesti ilma brauseri vahemäluta; skript võib olla vanemast versioonist.",
  },
  reasons: {
    shown: { is: "Küsimust näidati sellel lehel." },
    no_page: {
      is: "Ükski poe küsimus pole mõeldud sellele lehele.",
      todo: "Et ka siin küsida, lisage küsimus sellist liiki lehe jaoks või muutke mõne küsimuse kohta (`placement`, `where`).",
    },
    paused: { is: "Küsimus on peatatud.", todo: "Lülitage see uuesti sisse, kui soovite seda küsida (`paused`)." },
    unscheduled: { is: "Seda küsimust praegu ei küsita: see pole veel alanud või on juba läbi.", todo: "Mis ajast mis ajani, määravad seaded `starts` ja `ends`." },
    "refused": {
      is: "Sellelt lehelt vastuseid vastu ei võeta: {host} pole poe domeenide hulgas.",
      todo: "Lisage {host} poe domeenide hulka (`PUT /v1/domains`).",
    },
    unknown_shop: {
      is: "Poodi võtmega {key} pole olemas.",
      todo: "Kopeerige poe skriptirida uuesti ja võrrelge `data-shop` väärtust.",
    },
    unreachable: {
      is: "Atbalssi server {server} ei vastanud.",
      todo: "Kontrollige, et see töötab, et aadress on õige ning et reklaamitõkesti ega lehe turvareeglid (CSP `connect-src`) seda ei keela.",
    },
    url: {
      is: "Selle lehe aadress {path} ei vasta küsimuse reeglitele: {where}.",
      todo: "Et ka siin küsida, muutke seadet `where`.",
    },
    placement: {
      is: "See küsimus on mõeldud teise kohta: {placement}.",
      todo: "Et seda siin küsida, muutke selle `placement`.",
    },
    results: {
      is: "Küsimus esitatakse ainult siis, kui {results}.",
      todo: "Et küsida pärast iga otsingut, eemaldage seade `results`.",
    },
    selector: {
      is: "Elementi, mida küsimus ootab, pole lehel või pole seda veel: {selector}.",
      todo: "Küsimus ilmub kohe, kui see seal on. Kui see juba on lehel, kontrollige seadet `selector`.",
    },
    waiting_delay: {
      is: "Küsimus ilmub peagi: see ootab {delay} s.",
      todo: "Seda muudab seade `delay`.",
    },
    waiting_scroll: {
      is: "Küsimus ootab, kuni lehest on keritud {scroll} %.",
      todo: "Selle nägemiseks kerige allapoole.",
    },
    waiting_exit: {
      is: "Küsimus ootab, kuni külastaja hakkab lahkuma.",
      todo: "Selle nägemiseks viige hiir üle akna ülaserva välja; telefonis kerige kiiresti tagasi üles või tulge tagasi teiselt vahelehelt.",
    },
    waiting_idle: {
      is: "Küsimus ootab, kuni {idle} s pole midagi juhtunud.",
      todo: "Selle nägemiseks ärge nii kaua puudutage hiirt ega klaviatuuri.",
    },
    waiting_event: {
      is: "Küsimus ootab poe lehe sündmust „{event}“.",
      todo: 'Leht peab kutsuma välja `atbalss.push({event: "{event}"})`, sobivate väärtustega, kui `match` on seatud.',
    },
    sampled: {
      is: "Küsitakse ainult osal külastustest ({sample} %) ja see külastus loosis nende hulka ei sattunud.",
      todo: "Et küsida sagedamini, suurendage seadet `sample`.",
    },
    "asked": { is: "Küsimus on selle külastuse ajal juba esitatud.", todo: "Selle uuesti nägemiseks laadige leht uuesti." },
    answered: {
      is: "Selle tellimuse kohta on juba vastatud või on see külastaja juba vastanud.",
      todo: "Selle uuesti nägemiseks kasutage teist tellimust või privaatset akent.",
    },
    cap: {
      is: "See külastaja on küsimust näinud juba nii palju kordi, kui lubatud (kõige rohkem: {most}).",
      todo: "Seda muudab seade `most`. Selle uuesti nägemiseks kasutage privaatset akent.",
    },
    wave: {
      is: "Sellelt külastajalt on selles voorus juba küsitud (vooru pikkus päevades: {every_days}).",
      todo: "Seda muudab seade `every_days`. Selle uuesti nägemiseks kasutage privaatset akent.",
    },
    cooldown: {
      is: "Küsimust näidati sellele külastajale hiljuti (paus: {cooldown_hours} h).",
      todo: "Seda muudab küsimuse seade `cooldown_hours`. Selle uuesti nägemiseks kasutage privaatset akent.",
    },
    cooldown_all: {
      is: "Sellele külastajale näidati hiljuti teist küsimust (paus iga kahe vahel: {pause} h).",
      todo: "Seda muudab poe seade `cooldown_hours`. Selle kohe nägemiseks kasutage privaatset akent.",
    },
    checkout: { is: "Sellel lehel ostjad maksavad, seepärast siin kelleltki ei küsita." },
    hidden: { is: "Vaheleht on taustal. Küsimus ilmub, kui keegi seda vaatab." },
    typing: {
      is: "Mõni lehe väli on aktiivne. Küsimus ei sega, kui keegi võib parajasti kirjutada.",
      todo: "Selle nägemiseks klõpsake väljast eemal.",
    },
    dialog: { is: "Lehel on avatud poe aken.", todo: "Küsimus ilmub, kui see suletakse." },
    covered: {
      is: "Seal, kuhu küsimus ilmuks, on midagi muud poe lehelt, näiteks küpsiste teade.",
      todo: "Küsimus ilmub, kui see on kadunud. Kui see on seal alati, viige küsimus teisele poole (`position`).",
    },
    another: {
      is: "Teine küsimus oli esimene. Ühel lehel ei näidata üle ühe.",
      todo: "Selle näitamiseks peatage teine või valige neile eri kohad.",
    },
    unsupported: {
      is: "Selle lehe skript ei tunne „{type}“ liiki küsimusi.",
      todo: "Laadige leht uuesti ilma brauseri vahemäluta. Kui see ei aita, on skript vanemast versioonist.",
    },
    inline_missing: {
      is: "Elementi, kus küsimus peaks olema, pole lehel: {inline}.",
      todo: "Kontrollige seadet `inline` või eemaldage see, et küsimust nurgas näidata.",
    },
    inline_room: {
      is: "Küsimus ootab: kui see kohe lisada, nihkuks paigast see, mida külastaja vaatab.",
      todo: "See ilmub, kui selle koht pole nähtaval. Et seda kohe näidata, jätke elemendile `{inline}` piisavalt kõrgust.",
    },
  },
};
