"""The words of a search, the number of results and the clicks on them are found on pages that say nothing for us.

The pages in fixtures/ are written by hand after what themes of shop systems and self-made shops print.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .standin import SITE_KEY, Ours, Reply, Shop, question

pytestmark = pytest.mark.browser

FIXTURES = Path(__file__).parent / "fixtures"

# fixture, address, words, number of results
SEARCHES = (
    ("woocommerce-storefront", "/page/2/?s=rain+boots&post_type=product", "rain boots", 20),
    ("woocommerce-lv-nothing", "/?s=vafe%C4%BCu+panna&post_type=product", "vafeļu panna", 0),
    ("wordpress-twentytwentyone", "/search/beeswax+30/", "beeswax 30", 3),
    ("wordpress-blocks", "/?s=Honig", "Honig", 2),
    ("wordpress-nothing", "/?s=chandelier", "chandelier", 0),
    ("prestashop-classic", "/lt/paieska?controller=search&s=guminiai+batai", "guminiai batai", 34),
    ("prestashop-hummingbird", "/index.php?controller=search&s=mug", "mug", 1),
    ("prestashop-hummingbird-nothing", "/en/search?s=sledge", "sledge", 0),
    ("opencart", "/index.php?route=product/search&language=en-gb&search=apple", "apple", 2),
    ("opencart-ru-nothing", "/index.php?route=product/search&search=%D1%81%D0%B0%D0%BC%D0%BE%D0%B2%D0%B0%D1%80", "самовар", 0),
    ("magento-luma", "/catalogsearch/result/index/?p=2&q=jacket", "jacket", 1057),
    ("magento-luma-nothing", "/catalogsearch/result/?q=anorak", "anorak", 0),
    ("shopify-dawn", "/search?q=tea&options%5Bprefix%5D=last", "tea", 29),
    ("shopify-dawn-nothing", "/de/search?q=samowar", "samowar", 0),
    ("oscar", "/en-gb/search/?q=python", "python", 24),
    ("oscar-nothing", "/en-gb/search/?q=cobol", "cobol", 0),
    ("shopware", "/search?search=stiefel+38", "stiefel 38", 5),
    ("bigcommerce-cornerstone", "/search.php?search_query=plant&section=product", "plant", 41),
    ("baltic-lv", "/meklet?keyword=linu+galdauts", "linu galdauts", 1204),
    ("baltic-lt-nothing", "/paieska?q=vaflin%C4%97", "vaflinė", 0),
    ("baltic-et", "/et/otsing?q=saapad", "saapad", 7),
    ("shoper-pl", "/pl/s?search=kalosze", "kalosze", 16),
)
NO_SEARCHES = (
    ("no-category-with-filters", "/3-shoes?q=Size-S&page=2"),
    ("no-product-from-search", "/apple-cinema-30?search=apple"),
    ("no-product-opencart", "/index.php?route=product/product&product_id=42&search=apple"),
    ("no-blog-post", "/blog/how-we-search/?s=newsletter"),
    ("no-cart", "/grozs/?s=&q=1"),
    ("no-account", "/mano-paskyra?text=orders"),
    ("no-home", "/?q="),
    ("no-research-kit", "/products/research-kit?q=mail&_pos=1"),
)
# fixture, address, name of the link, position, product
CLICKS = (
    ("woocommerce-storefront", "/page/2/?s=rain+boots", "Red boots", 18, "RB-32"),
    ("prestashop-classic", "/paieska?controller=search&s=guminiai+batai", "Juodi batai", 2, "19"),
    ("opencart", "/index.php?route=product/search&search=apple", "Apple Cinema 30\"", 1, None),
    ("magento-luma", "/catalogsearch/result/?q=jacket", "Juno", 14, "WJ06"),
    ("shopify-dawn", "/search?q=tea", "Assam", 2, None),
    ("oscar", "/search/?q=python", "Cookbook", 2, None),
    ("shopware", "/search?search=stiefel+38", "Gummistiefel", 2, None),
    ("bigcommerce-cornerstone", "/search.php?search_query=plant", "Planter", 2, None),
    ("baltic-lv", "/meklet?keyword=linu+galdauts", "Galdauts, 6 preces", 2, "LG-2"),
)  # fmt: skip


def put_fixture(ours: Ours, shop: Shop, fixture: str, address: str, script: str = "") -> str:
    html = (FIXTURES / f"{fixture}.html").read_text()
    tag = f'<script async src="{ours.url}/widget.js" data-shop="{SITE_KEY}"></script>{script}'
    assert "<!-- snippet -->" in html
    shop.pages[address.partition("?")[0]] = Reply(200, html.replace("<!-- snippet -->", tag))
    return shop.url + address


def test_every_fixture_is_in_the_tables() -> None:
    named = {fixture for fixture, *_ in (*SEARCHES, *NO_SEARCHES)}
    assert named == {path.stem for path in FIXTURES.glob("*.html")}


@pytest.mark.parametrize(("fixture", "address", "words", "count"), SEARCHES, ids=[s[0] for s in SEARCHES])
def test_words_and_number_of_results(
    fixture: str, address: str, words: str, count: int, page: Page, ours: Ours, shop: Shop
) -> None:
    page.goto(put_fixture(ours, shop, fixture, address))
    (searched,) = ours.wait_for("search.performed")
    assert (searched["search"]["query"], searched["search"].get("results")) == (words, count)
    assert searched["placement"] == "search"


@pytest.mark.parametrize(("fixture", "address"), NO_SEARCHES, ids=[s[0] for s in NO_SEARCHES])
def test_other_pages_are_no_searches(fixture: str, address: str, page: Page, ours: Ours, shop: Shop) -> None:
    page.goto(put_fixture(ours, shop, fixture, address))
    asked = ours.wait(lambda: [r for r in ours.requests if r.path.endswith("/ask")])
    page.wait_for_load_state("networkidle")
    assert ours.posts() == []
    assert asked[0].query["placement"] in (["page"], ["product"])
    expect(page.locator("atbalss-panel")).to_have_count(0)


@pytest.mark.parametrize(("fixture", "address", "name", "place", "product"), CLICKS, ids=[s[0] for s in CLICKS])
def test_a_click_on_a_result(
    fixture: str, address: str, name: str, place: int, product: str | None, page: Page, ours: Ours, shop: Shop
) -> None:
    ours.questions = []
    page.goto(put_fixture(ours, shop, fixture, address))
    (searched,) = ours.wait_for("search.performed")
    page.get_by_role("link", name=name, exact=True).click()  # the page is left at once
    (clicked,) = ours.wait_for("result.clicked")
    assert clicked["search"] == {**searched["search"], "position": place}
    assert clicked.get("product") == product
    assert set(clicked) <= {"id", "type", "at", "placement", "page", "search", "product"}  # nobody is named
    assert len(ours.events("result.clicked")) == 1


def test_what_is_no_result_is_no_click(page: Page, ours: Ours, shop: Shop) -> None:
    ours.questions = []
    stay = "<script>addEventListener('click', (e) => e.preventDefault())</script>"
    page.goto(put_fixture(ours, shop, "opencart", "/index.php?route=product/search&search=apple", stay))
    ours.wait_for("search.performed")
    page.get_by_role("link", name="Product Compare").click()
    page.get_by_role("heading", name="Search - apple").click()
    result = page.get_by_role("link", name="Apple", exact=True)
    result.click(button="right")
    assert not ours.events("result.clicked")
    result.dblclick()
    assert ours.wait_for("result.clicked")[0]["search"]["position"] == 2
    result.press("Enter")
    ours.wait_for("result.clicked", 2)
    assert len(ours.events("result.clicked")) == 2


@pytest.mark.parametrize(
    ("fixture", "address", "wanted"),
    [
        ("oscar", "/search/?q=python", "some"),
        ("oscar-nothing", "/search/?q=cobol", "none"),
        ("magento-luma-nothing", "/catalogsearch/result/?q=anorak", "none"),
    ],
)
def test_a_question_for_searches_that_found_nothing(
    fixture: str, address: str, wanted: str, page: Page, ours: Ours, shop: Shop
) -> None:
    other = {"none": "some", "some": "none"}[wanted]
    ours.questions = [
        question("order-rating", "stars", "search", results=other),
        question("search-found", "yes_no", "search", results=wanted),
    ]
    page.goto(put_fixture(ours, shop, fixture, address))
    assert ours.wait_for("question.shown")[0]["question"] == "search-found"
