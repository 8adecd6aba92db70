"""Instants as pages show them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def local(instant: str | None, zone: str) -> str:
    """Render an instant of the contract in the appliance's zone; "" for none."""
    if instant is None:
        return ""
    return f"{datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
