"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

ROWS = 50
LONGEST_QUERY = 100

Row = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Sheet:
    """One page of a list.

    Attributes:
        rows: identifier and body of what it shows.
        number, last: this page and the last one, from 1.
        total: how many rows all pages have.
        query: what was searched for, "" for everything.
    """

    rows: tuple[Row, ...]
    number: int
    last: int
    total: int
    query: str


def sheet(found: Mapping[str, Mapping[str, Any]], fields: tuple[str, ...]) -> Sheet:
    """Return the page of a list that the request asks for: `?page=2&q=words`.

    Args:
        found: everything, by identifier.
        fields: where is searched, beside the identifier.
    """
    query = request.args.get("q", "").strip()[:LONGEST_QUERY]
    rows = [row for row in found.items() if _fits(row, fields, query.casefold())]
    last = max(1, -(-len(rows) // ROWS))
    number = min(max(1, request.args.get("page", 1, type=int)), last)
    shown = rows[(number - 1) * ROWS : number * ROWS]
    return Sheet(tuple(shown), number, last, len(rows), query)


def _fits(row: Row, fields: tuple[str, ...], query: str) -> bool:
    key, body = row
    return any(query in str(text or "").casefold() for text in (key, *map(body.get, fields)))
