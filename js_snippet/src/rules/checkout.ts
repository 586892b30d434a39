const PATH = /(\/|route=)(checkouts?|onepage|kass?[ae]|kasse|apmaks\w*|apmok\w*|uzsakym\w*|maksmine|zamowienie|payment)([/.?&]|$)/i;
const MARK = "body#checkout,form[name=checkout],[autocomplete^=cc-]";

/** Whether shoppers pay on this page. Not for the page after an order, whose address often says the same. */
export function isCheckout(doc: Document, address: Location): boolean {
  return PATH.test(address.pathname + address.search) || !!doc.querySelector(MARK);
}
