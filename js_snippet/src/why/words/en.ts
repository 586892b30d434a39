import type { Words } from "./words";

export const en: Words = {
  tag: "en",
  title: "Why a question is shown here, or not",
  close: "Close",
  fold: "Details",
  only_you: "Only you see this box, because the page was opened with `atbalss_why=1`. What it says is sent nowhere.",
  history: "Step by step",
  states: { shown: "Shown", waits: "Waiting", not: "Not shown" },
  page: {
    looking: "The page is being looked at.",
    search: "This page was taken for the results of a search for “{query}”. Number of results: {results}.",
    search_uncounted:
      "This page was taken for the results of a search for “{query}”. How many results there are could not be read from the page; the attribute `data-atbalss-results` can tell.",
    order: "This page was taken for the confirmation of an order.",
    product: "This page was taken for the page of a product.",
    page: "This page was taken for an ordinary one: no search results, no order confirmation, no product.",
  },
  consent: {
    none: "Nothing is kept in this browser: there was no consent to it, or no need for it. Questions are asked all the same.",
    given: "The visitor has consented: what was shown and answered is remembered in this browser.",
    not_given: "The visitor has not consented, or not yet: nothing is kept in this browser. Questions are asked all the same.",
    gpc: "This browser asks all pages for privacy (Global Privacy Control): nothing is kept in it. Questions are asked all the same.",
    never: "The shop's settings say that nothing is ever kept in the browser (`consent`: `never`).",
  },
  placements: {
    search: "search results",
    order: "order confirmation",
    product: "product pages",
    page: "pages chosen by rules",
  },
  results: { none: "the search found nothing", some: "the search found something" },
  undecided: { is: "Nothing has been decided about this question yet." },
  refused_order: {
    is: "The order token on this page proves nothing, so answers from it are not accepted.",
    todo: "Check that the shop signs it with the order token secret of this very shop, for this site key.",
  },
  refused_other: {
    is: "The server does not accept what this page sends (status {status}).",
    todo: "The browser's console says why. Load the page anew without the browser's cache; the script may be from an older version.",
  },
  reasons: {
    shown: { is: "The question was shown on this page." },
    no_page: {
      is: "None of the shop's questions belongs to this page.",
      todo: "To ask here, add a question for this kind of page, or change where one is asked (`placement`, `where`).",
    },
    paused: { is: "The question is paused.", todo: "Switch it on again when you want it asked (`paused`)." },
    unscheduled: { is: "The question is not asked at this time: it has not begun yet, or it is over.", todo: "The settings `starts` and `ends` say from when to when." },
    "refused": {
      is: "Answers from this page are not accepted: {host} is not among the shop's domains.",
      todo: "Add {host} to the shop's domains (`PUT /v1/domains`).",
    },
    unknown_shop: {
      is: "There is no shop with the site key {key}.",
      todo: "Copy the shop's script line once more and compare `data-shop`.",
    },
    unreachable: {
      is: "The Atbalss server {server} did not answer.",
      todo: "Check that it runs, that its address is right, and that neither an ad blocker nor the page's security rules (CSP `connect-src`) forbid it.",
    },
    url: {
      is: "The address of this page, {path}, does not fit the question's rules: {where}.",
      todo: "To ask here too, change the setting `where`.",
    },
    placement: {
      is: "This question is meant for another place: {placement}.",
      todo: "To ask it here, change its `placement`.",
    },
    results: {
      is: "It is only asked when {results}.",
      todo: "To ask after every search, remove the setting `results`.",
    },
    selector: {
      is: "The element that the question waits for is not on the page, or not yet: {selector}.",
      todo: "The question comes as soon as it is there. If it already is, check the setting `selector`.",
    },
    waiting_delay: {
      is: "The question comes in a moment: it waits for {delay} s.",
      todo: "The setting `delay` changes that.",
    },
    waiting_scroll: {
      is: "The question waits until {scroll} % of the page have been scrolled through.",
      todo: "Scroll down to see it.",
    },
    waiting_exit: {
      is: "The question waits until the visitor is about to leave.",
      todo: "To see it, move the mouse out over the top of the window; on a phone, scroll back up quickly or come back from another tab.",
    },
    waiting_idle: {
      is: "The question waits until nothing has happened for {idle} s.",
      todo: "To see it, touch neither mouse nor keyboard for so long.",
    },
    waiting_event: {
      is: "The question waits for the event “{event}” of the shop's page.",
      todo: 'The page has to say `atbalss.push({event: "{event}"})`, with fitting values if `match` is set.',
    },
    sampled: {
      is: "Only a part is asked ({sample} %), and by lot this visit is not in it.",
      todo: "To ask more often, raise the setting `sample`.",
    },
    "asked": { is: "The question has already been asked in this visit.", todo: "Load the page anew to see it again." },
    answered: {
      is: "This order, or this visitor, has already answered the question.",
      todo: "To see it again, take another order or a private window.",
    },
    cap: {
      is: "This visitor has seen the question as often as allowed (at most: {most}).",
      todo: "The setting `most` changes that. To see it again, use a private window.",
    },
    wave: {
      is: "This visitor has already been asked in this round (days in a round: {every_days}).",
      todo: "The setting `every_days` changes that. To see it again, use a private window.",
    },
    cooldown: {
      is: "The question was shown to this visitor not long ago (pause: {cooldown_hours} h).",
      todo: "The setting `cooldown_hours` of the question changes that. To see it again, use a private window.",
    },
    cooldown_all: {
      is: "Another question was shown to this visitor not long ago (pause between any two: {pause} h).",
      todo: "The setting `cooldown_hours` of the shop changes that. To see it now, use a private window.",
    },
    checkout: { is: "Shoppers pay on this page, so nobody is asked here." },
    hidden: { is: "The tab is in the background. The question comes when somebody looks at it." },
    typing: {
      is: "A field of the page has the focus. The question does not interrupt anybody who may be writing.",
      todo: "Click somewhere beside the field to see it.",
    },
    dialog: { is: "A window of the shop is open on the page.", todo: "The question comes when it is closed." },
    covered: {
      is: "Something of the shop stands where the question would appear, such as a cookie notice.",
      todo: "The question comes when it is gone. If it always stands there, move the question to the other side (`position`).",
    },
    another: {
      is: "Another question came first. No page shows more than one.",
      todo: "To show this one, pause the other or give them different places.",
    },
    unsupported: {
      is: "The script in this page does not know questions of the type “{type}”.",
      todo: "Load the page anew without the browser's cache. If that does not help, the script comes from an older version.",
    },
    inline_missing: {
      is: "The element that the question is to stand in is not on the page: {inline}.",
      todo: "Check the setting `inline`, or remove it to show the question in the corner.",
    },
    inline_room: {
      is: "The question waits: putting it into its place now would move what the visitor is looking at.",
      todo: "It comes when that place is scrolled out of sight or near the end of the window. To show it at once, give the element `{inline}` enough height of its own.",
    },
  },
};
