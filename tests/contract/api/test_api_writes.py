"""A write is made once, whatever becomes of it, and never again by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.api.kit import empty, meet
from whenever import Date

from selftimer.errors import NotApplied, StudioError, Unclear
from selftimer.sandbox import bulk
from selftimer.sandbox.book import galleries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.contract.api.kit import Meeting

NEW_CLIENT = {"first_name": "x", "last_name": "y", "email": "x@y.example"}
NEW_TYPE: dict[str, Any] = {"name": "x", "duration": 30}
WRITES: dict[str, tuple[str, Callable[[Meeting, dict[str, str]], Awaitable[Any]]]] = {
    "client.create": ("client", lambda m, _: m.studio.clients.create(NEW_CLIENT)),
    "client.update": ("client_update", lambda m, ids: m.studio.clients.update(ids["client"], {"notes": "x"})),
    "invoice.create": (
        "invoice",
        lambda m, ids: m.studio.invoices.create(ids["client"], Date(2026, 6, 1), [{"name": "x", "amount": 1}]),
    ),
    "session_type.create": ("session_type", lambda m, _: m.studio.session_types.create(NEW_TYPE)),
    "session_type.update": ("session_type_update", lambda m, i: m.studio.session_types.update(i["type"], NEW_TYPE)),
    "session_type.delete": ("session_type_delete", lambda m, ids: m.studio.session_types.delete(ids["type"])),
    "coupon.update": ("coupon_update", lambda m, i: m.studio.coupons.update(i["coupon"], {"discount_value": 5})),
    "coupon.disable": ("coupon_update", lambda m, ids: m.studio.coupons.disable(ids["coupon"])),
    "coupon.delete": ("coupon_delete", lambda m, ids: m.studio.coupons.delete(ids["coupon"])),
    "collection.update": (
        "collection_update",
        lambda m, ids: m.studio.collections.update(ids["collection"], {"name": "x"}),
    ),
}
FAULTS: list[tuple[dict[str, Any], int]] = [
    ({"fault": "status", "status": 503}, 0),
    ({"fault": "status", "status": 500, "commit": True}, 1),
    ({"fault": "drop_before"}, 0),
    ({"fault": "drop_after"}, 1),
    ({"fault": "html200"}, 0),
    ({"fault": "status", "status": 409, "shape": "4"}, 0),
    ({"fault": "status", "status": 429}, 0),
]


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize(("fault", "applied"), FAULTS)
async def test_no_write_is_made_twice_or_lied_about(call: str, fault: dict[str, Any], applied: int) -> None:
    m = meet(empty())
    (client,) = bulk.add_clients(m.world, 1)
    coupon = await m.studio.coupons.create({"code": "A", "discount_type": "percentage", "discount_value": 10})
    ids = {
        "client": client.id,
        "coupon": coupon.id,
        "type": m.world.tables.session_types.newest()[0].id,
        "collection": galleries.publish(m.world, client.id, "x", 3).id,
    }
    kind, write = WRITES[call]
    for method in ("POST", "PUT", "DELETE"):
        m.fault(**fault, method=method, times=99)
    with pytest.raises(StudioError) as told:
        await write(m, ids)
    assert len(m.wrote(kind)) == applied
    assert [seen.call for seen in m.made].count(call) == 1
    assert isinstance(told.value, NotApplied if fault.get("status") in {409, 429} else Unclear)
