"""What a shop may take along of a table: its owner says which columns, and here they are read, row by row.

Every column is either taken or left out by name, so that a new one can't be forgotten: secrets and hashes of them, what
only our own machinery needs, and what another column says as well are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, literal, select, tuple_

_PAGE = 1000


@dataclass(frozen=True)
class Taken:
    """The `fields` of a shop's rows, in the order of `key`, which tells a shop's rows apart; without one there is one row at most."""

    table: Table
    key: tuple[str, ...]
    fields: tuple[str, ...]
    left: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        named = ("shop", *self.fields, *self.left)
        if sorted(named) != sorted(column.name for column in self.table.columns):
            raise TypeError(f"each column of {self.table.name} is taken or left out, once")

    def rows(self, conn: Connection, shop: str) -> Iterator[dict[str, Any]]:
        """All of them; no more than a page is held."""
        columns, key = self.table.c, [self.table.c[name] for name in self.key]
        wanted = select(*(columns[name] for name in dict.fromkeys((*self.fields, *self.key)))).where(columns.shop == shop)
        wanted = wanted.order_by(*key).limit(_PAGE)
        page = wanted
        while True:
            found = conn.execute(page).mappings().all()
            for row in found:
                yield {name: row[name] for name in self.fields}
            if len(found) < _PAGE or not key:
                return
            last = [literal(found[-1][column.name], column.type) for column in key]
            page = wanted.where(tuple_(*key) > tuple_(*last))
