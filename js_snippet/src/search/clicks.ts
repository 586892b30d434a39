/** The results on a page, and which of them is clicked. */
import type { Tools } from "../types";

/** One result, in the shop systems that we know. The first is for shops that made their own. */
const CARD =
  "[data-atbalss-product],li.product,.product-miniature,.product-layout,.product-thumb,.product-item,.product_pod,.product-box,.product-card," +
  ".card-wrapper,.wp-block-post,article,[data-id-product],[data-product-id],[itemtype$='/Product']";
const OTHER_LISTS = "header,footer,nav,aside,[class*=recommend i],[class*=related i],[class*=cart i]";
/** Where a shop's id of the product may stand, the most telling first. */
const IDS = "atbalss-product product_sku product-sku sku id-product product-id product_id";
const LONGEST_ID = 191;

/** Calls `tell` for each click on a result, with its place on the page (from 1) and the shop's id of the product when it is known. */
export function watchClicks(doc: Document, { quietly }: Tools, signal: AbortSignal, tell: (place: number, product: string | undefined) => void): void {
  const clicked = (event: Event): unknown =>
    quietly(() => {
      const { button, detail } = event as MouseEvent;
      // The second click of two is no second look; the right button opens a menu.
      if (detail > 1 || button > 1) return;
      const link = (event.target as Element | null)?.closest?.("a[href]");
      if (!link || /^(#|javascript:)/i.test(link.getAttribute("href")!)) return;
      const cards = cardsOf(doc);
      for (let i = 0; i < cards.length; i++) if (cards[i]!.contains(link)) return tell(i + 1, idOf(cards[i]!));
    });
  const options = { capture: true, passive: true, signal };
  doc.addEventListener("click", clicked, options);
  doc.addEventListener("auxclick", clicked, options);
}

/** The results that are seen, outermost elements, in their order. */
export function cardsOf(doc: Document): Element[] {
  const all = doc.querySelectorAll(CARD);
  const cards: Element[] = [];
  for (let i = 0; i < all.length; i++) {
    const card = all[i]!;
    if (!card.parentElement?.closest(CARD) && !card.closest(OTHER_LISTS) && card.querySelector("a[href]")) cards[cards.length] = card;
  }
  return cards;
}

function idOf(card: Element): string | undefined {
  const names = IDS.split(" ");
  for (let i = 0; i < names.length; i++) {
    const name = "data-" + names[i]!;
    const id = (card.getAttribute(name) || card.querySelector(`[${name}]`)?.getAttribute(name) || "").trim();
    if (id && id.length <= LONGEST_ID) return id;
  }
  return undefined;
}
