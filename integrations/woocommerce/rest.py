"""WooCommerce's REST API, wc/v3: one request, and what its answer means.

Keys go as HTTP Basic, which WooCommerce reads over https only. An answer that is no JSON is a firewall or a page of the
shop, whatever its status.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from integrations import Http, PermanentError, Response, TemporaryError

PAGE = 50  # orders; a page must stay under the client's limit on bodies
_FIELDS = (
    "id,status,currency,total,customer_id,billing.email,lang,date_created_gmt,date_modified_gmt,date_completed_gmt,"
    "line_items.id,line_items.name,line_items.product_id,line_items.sku,line_items.quantity,line_items.price,"
    "refunds,meta_data"
)


class Rest:
    """The API of one shop."""

    def __init__(self, settings: Mapping[str, str], http: Http) -> None:
        self._root = f"{settings['url'].rstrip('/')}/wp-json/wc/v3"
        keys = f"{settings['consumer_key']}:{settings['consumer_secret']}".encode()
        self._headers = {"authorization": "Basic " + base64.b64encode(keys).decode(), "accept": "application/json"}
        self._http = http

    def get(self, path: str, **query: str) -> list[Any]:
        """A list; anything else is an error."""
        found = self.call("GET", path, query)[1]
        if not isinstance(found, list):
            raise TemporaryError("answered with something else than a list")
        return found

    def call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> tuple[Response, Any]:
        """The response and its JSON. Raises as `Integration.deliver` does, for every status but 2xx."""
        url = f"{self._root}/{path}" + (f"?{urlencode(query)}" if query else "")
        headers, data = dict(self._headers), b""
        if body is not None:
            headers["content-type"] = "application/json"
            data = json.dumps(body).encode()
        response = self._http.request(method, url, headers=headers, body=data)
        if not 200 <= response.status < 300:
            raise _failure(response)
        return response, _json(response)


def changed_orders(rest: Rest, since: str) -> Iterator[dict[str, Any]]:
    """Every order that was changed after `since`, those in the bin first, each as it is now."""
    # The bin is no part of `any`; nothing shows an order that was deleted for good.
    for status in ("trash", "any"):
        yield from _changed_orders(rest, since, status)


def _changed_orders(rest: Rest, since: str, status: str) -> Iterator[dict[str, Any]]:
    """Orders that change while the pages are turned move to the end and shift the others, so the next page is asked
    for by the time of the last order, second inclusive, and by number only within one second."""
    after, page = _plain(since), 1
    seen: set[tuple[Any, Any]] = set()
    while True:
        found = rest.get(
            "orders", status=status, modified_after=after, dates_are_gmt="true", orderby="modified", order="asc",
            per_page=str(PAGE), page=str(page), _fields=_FIELDS,
        )  # fmt: skip
        for each in found:
            if isinstance(each, dict) and (name := (each.get("id"), each.get("date_modified_gmt"))) not in seen:
                seen.add(name)
                yield each
        if len(found) < PAGE:
            return
        last = found[-1].get("date_modified_gmt") if isinstance(found[-1], dict) else None
        before = _second_before(last) if isinstance(last, str) else after
        after, page = (before, 1) if before > after else (after, page + 1)


def _failure(response: Response) -> TemporaryError | PermanentError:
    """Only what the shop refuses because of what is in it is for ever; keys, addresses and firewalls can be put right."""
    status, excerpt = response.status, response.excerpt()
    if status in (400, 409, 422):
        return PermanentError(f"answered {status}: {_said(response)}", status=status, excerpt=excerpt)
    why = ""
    if status in (401, 403):
        why = ": the shop does not accept the API keys"
    elif 300 <= status < 400:
        why = ": the shop has another address; redirects are not followed"
    elif status == 404:
        why = ": no REST API there; permalinks must not be set to plain"
    asked = response.headers.get("retry-after", "")
    return TemporaryError(
        f"answered {status}{why}", float(asked[:9]) if asked.isascii() and asked.isdigit() else None,
        status=status, excerpt=excerpt, unknown=status >= 500,
    )  # fmt: skip


def code_of(response: Response) -> str:
    """The code of an error of WordPress's REST API; "" when the answer is none."""
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError):
        return ""
    return str(found.get("code", "")) if isinstance(found, dict) else ""


def _said(response: Response) -> str:
    return code_of(response)[:100] or "the shop refuses this"


def _json(response: Response) -> Any:
    if not response.complete:
        raise TemporaryError("answered with more than we read", status=response.status, unknown=True)
    try:
        return json.loads(response.body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise TemporaryError(
            "answered with something else than JSON",
            status=response.status, excerpt=response.excerpt(), unknown=True,
        ) from error  # fmt: skip


def _plain(time: str) -> str:
    return time[:19]


def _second_before(time: str) -> str:
    try:
        return (datetime.fromisoformat(time[:19]) - timedelta(seconds=1)).isoformat()
    except ValueError:
        return ""
