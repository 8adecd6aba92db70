"""What people order of the daemon: carried out one by one, and counted."""

from __future__ import annotations

import pytest

from redundancy.fakes import FakeCalendar
from redundancy.orders import Orders


@pytest.mark.covers("F5")
def test_an_order_is_counted_once_it_was_carried_out_also_where_it_failed() -> None:
    orders = Orders(FakeCalendar())
    counted: list[int] = []

    def fail() -> None:
        raise OSError("the disk is full")

    orders.put(lambda: counted.append(orders.done))
    orders.put(fail)
    orders.do_next()
    with pytest.raises(OSError, match="full"):
        orders.do_next()
    assert (counted, orders.done) == ([0], 2)
