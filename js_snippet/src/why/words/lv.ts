import type { Words } from "./words";

export const lv: Words = {
  tag: "lv",
  title: "Kāpēc jautājums šeit ir vai nav redzams",
  close: "Aizvērt",
  fold: "Sīkāk",
  only_you: "Šo logu redzat tikai jūs, jo lapa atvērta ar `atbalss_why=1`. Tā saturs nekur netiek sūtīts.",
  history: "Soli pa solim",
  states: { shown: "Parādīts", waits: "Gaida", not: "Nav rādīts" },
  page: {
    looking: "Lapa tiek apskatīta.",
    search: "Šī lapa uzskatīta par meklēšanas rezultātiem, meklēts „{query}”. Rezultātu skaits: {results}.",
    search_uncounted:
      "Šī lapa uzskatīta par meklēšanas rezultātiem, meklēts „{query}”. Rezultātu skaitu lapā neizdevās nolasīt; to var pateikt atribūts `data-atbalss-results`.",
    order: "Šī lapa uzskatīta par pasūtījuma apstiprinājumu.",
    product: "Šī lapa uzskatīta par preces lapu.",
    page: "Šī lapa uzskatīta par parastu lapu: tajā nav ne meklēšanas rezultātu, ne pasūtījuma apstiprinājuma, ne preces.",
  },
  consent: {
    none: "Šajā pārlūkā nekas netiek glabāts: tam nav dota piekrišana vai tā nebija vajadzīga. Jautājumi tiek uzdoti tik un tā.",
    given: "Apmeklētājs ir piekritis: šajā pārlūkā tiek glabāts, kas jau rādīts un atbildēts.",
    not_given: "Apmeklētājs nav piekritis vai vēl nav atbildējis: šajā pārlūkā nekas netiek glabāts. Jautājumi tiek uzdoti tik un tā.",
    gpc: "Šis pārlūks visām lapām lūdz privātumu (Global Privacy Control): tajā nekas netiek glabāts. Jautājumi tiek uzdoti tik un tā.",
    never: "Veikala iestatījumos noteikts, ka pārlūkā nekad nekas netiek glabāts (`consent`: `never`).",
  },
  placements: {
    search: "meklēšanas rezultāti",
    order: "pasūtījuma apstiprinājums",
    product: "preču lapas",
    page: "pēc noteikumiem izvēlētas lapas",
  },
  results: { none: "meklēšanā nekas nav atrasts", some: "meklēšanā kaut kas ir atrasts" },
  undecided: { is: "Par šo jautājumu vēl nekas nav izlemts." },
  refused_order: {
    is: "Šīs lapas pasūtījuma marķieris neko nepierāda, tāpēc atbildes no tās netiek pieņemtas.",
    todo: "Pārbaudiet, vai veikals to paraksta ar tieši šī veikala pasūtījumu slepeno atslēgu un šai atslēgai.",
  },
  refused_other: {
    is: "Serveris nepieņem to, ko šī lapa sūta (statuss {status}).",
    todo: "Iemeslu rāda pārlūka konsole. Ielādējiet lapu no jauna bez pārlūka kešatmiņas; skripts var būt no vecākas versijas.",
  },
  reasons: {
    shown: { is: "Jautājums šajā lapā tika parādīts." },
    no_page: {
      is: "Šai lapai nav paredzēts neviens veikala jautājums.",
      todo: "Lai jautātu arī šeit, pievienojiet jautājumu šāda veida lapai vai mainiet, kur kāds no tiem tiek uzdots (`placement`, `where`).",
    },
    paused: { is: "Jautājums ir apturēts.", todo: "Ieslēdziet to atkal, kad vēlaties to uzdot (`paused`)." },
    unscheduled: { is: "Jautājumu šobrīd neuzdod: tas vēl nav sācies vai jau ir beidzies.", todo: "No kura līdz kuram laikam, nosaka iestatījumi `starts` un `ends`." },
    "refused": {
      is: "Atbildes no šīs lapas netiek pieņemtas: {host} nav starp veikala domēniem.",
      todo: "Pievienojiet {host} veikala domēniem (`PUT /v1/domains`).",
    },
    unknown_shop: {
      is: "Nav veikala ar atslēgu {key}.",
      todo: "Vēlreiz nokopējiet veikala skripta rindu un salīdziniet `data-shop`.",
    },
    unreachable: {
      is: "Atbalss serveris {server} neatbildēja.",
      todo: "Pārbaudiet, vai tas darbojas, vai tā adrese ir pareiza un vai to neaizliedz reklāmu bloķētājs vai lapas drošības noteikumi (CSP `connect-src`).",
    },
    url: {
      is: "Šīs lapas adrese {path} neatbilst jautājuma noteikumiem: {where}.",
      todo: "Lai jautātu arī šeit, mainiet iestatījumu `where`.",
    },
    placement: {
      is: "Šis jautājums paredzēts citai vietai: {placement}.",
      todo: "Lai to uzdotu šeit, mainiet tā `placement`.",
    },
    results: {
      is: "Jautājums tiek uzdots tikai tad, ja {results}.",
      todo: "Lai jautātu pēc katras meklēšanas, noņemiet iestatījumu `results`.",
    },
    selector: {
      is: "Lapā nav (vai vēl nav) elementa, ko jautājums gaida: {selector}.",
      todo: "Jautājums parādīsies, tiklīdz tas tur būs. Ja tas jau ir lapā, pārbaudiet iestatījumu `selector`.",
    },
    waiting_delay: {
      is: "Jautājums parādīsies pēc brīža: tas gaida {delay} s.",
      todo: "To maina iestatījums `delay`.",
    },
    waiting_scroll: {
      is: "Jautājums gaida, līdz lapa būs noritināta par {scroll} %.",
      todo: "Lai to redzētu, ritiniet uz leju.",
    },
    waiting_exit: {
      is: "Jautājums gaida, līdz apmeklētājs grasīsies lapu atstāt.",
      todo: "Lai to redzētu, izvirziet peles rādītāju pāri loga augšmalai; tālrunī ātri ritiniet atpakaļ uz augšu vai atgriezieties no citas cilnes.",
    },
    waiting_idle: {
      is: "Jautājums gaida, līdz {idle} s nekas nebūs noticis.",
      todo: "Lai to redzētu, tik ilgi neaiztieciet ne peli, ne tastatūru.",
    },
    waiting_event: {
      is: "Jautājums gaida veikala lapas notikumu „{event}”.",
      todo: 'Lapai jāizsauc `atbalss.push({event: "{event}"})`, ar atbilstošām vērtībām, ja iestatīts `match`.',
    },
    sampled: {
      is: "Jautājums tiek uzdots tikai daļā apmeklējumu ({sample} %), un šis izlozē nav iekļuvis.",
      todo: "Lai jautātu biežāk, palieliniet iestatījumu `sample`.",
    },
    "asked": { is: "Jautājums šajā apmeklējumā jau ir uzdots.", todo: "Lai to redzētu vēlreiz, ielādējiet lapu no jauna." },
    answered: {
      is: "Par šo pasūtījumu jau ir atbildēts, vai arī šis apmeklētājs jau ir atbildējis.",
      todo: "Lai to redzētu vēlreiz, izmantojiet citu pasūtījumu vai privāto logu.",
    },
    cap: {
      is: "Šis apmeklētājs jautājumu jau ir redzējis tik reižu, cik atļauts (ne vairāk kā: {most}).",
      todo: "To maina iestatījums `most`. Lai to redzētu vēlreiz, izmantojiet privāto logu.",
    },
    wave: {
      is: "Šim apmeklētājam šajā kārtā jau ir jautāts (kārtas garums dienās: {every_days}).",
      todo: "To maina iestatījums `every_days`. Lai to redzētu vēlreiz, izmantojiet privāto logu.",
    },
    cooldown: {
      is: "Jautājums šim apmeklētājam nesen jau rādīts (pauze: {cooldown_hours} h).",
      todo: "To maina jautājuma iestatījums `cooldown_hours`. Lai to redzētu vēlreiz, izmantojiet privāto logu.",
    },
    cooldown_all: {
      is: "Šim apmeklētājam nesen rādīts cits jautājums (pauze starp jebkuriem diviem: {pause} h).",
      todo: "To maina veikala iestatījums `cooldown_hours`. Lai to redzētu tagad, izmantojiet privāto logu.",
    },
    checkout: { is: "Šajā lapā pircēji maksā, tāpēc šeit nevienam nejautā." },
    hidden: { is: "Cilne ir fonā. Jautājums parādīsies, kad kāds to atvērs." },
    typing: {
      is: "Kāds lapas lauks ir aktīvs. Jautājums netraucē, kamēr kāds, iespējams, raksta.",
      todo: "Lai to redzētu, noklikšķiniet ārpus lauka.",
    },
    dialog: { is: "Lapā ir atvērts veikala logs.", todo: "Jautājums parādīsies, kad tas būs aizvērts." },
    covered: {
      is: "Vietā, kur parādītos jautājums, ir kaut kas cits no veikala lapas, piemēram, sīkdatņu paziņojums.",
      todo: "Jautājums parādīsies, kad tas būs prom. Ja tas tur ir vienmēr, pārvietojiet jautājumu uz otru pusi (`position`).",
    },
    another: {
      is: "Pirmais bija cits jautājums. Vienā lapā netiek rādīts vairāk par vienu.",
      todo: "Lai rādītu šo, apturiet otru vai izvēlieties tiem dažādas vietas.",
    },
    unsupported: {
      is: "Skripts šajā lapā nepazīst „{type}” veida jautājumus.",
      todo: "Ielādējiet lapu no jauna bez pārlūka kešatmiņas. Ja tas nepalīdz, skripts ir no vecākas versijas.",
    },
    inline_missing: {
      is: "Lapā nav elementa, kurā jautājumam jāatrodas: {inline}.",
      todo: "Pārbaudiet iestatījumu `inline` vai noņemiet to, lai jautājumu rādītu stūrī.",
    },
    inline_room: {
      is: "Jautājums gaida: ja to tagad ievietotu, pārvietotos tas, ko apmeklētājs skatās.",
      todo: "Jautājums parādīsies, kad tā vieta būs ārpus redzamās daļas. Lai to rādītu uzreiz, atvēliet elementam `{inline}` pietiekamu augstumu.",
    },
  },
};
