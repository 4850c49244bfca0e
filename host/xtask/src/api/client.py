"""Places and pays an order with a client that was generated from the OpenAPI document.

Usage: client.py URL ["Header: value" ...]. A response other than the expected ones is an error.
"""

import datetime
import sys
import uuid

from galleria_client import Client
from galleria_client.api.orders import order_get, order_place, payment_accept
from galleria_client.api.stores import store_list
from galleria_client.models import (
    Line,
    NewOrder,
    NewPayment,
    OrderView,
    PaymentView,
    ProblemDetails,
    Tender,
)

headers = dict(header.split(": ", 1) for header in sys.argv[2:])
# The host is on this machine, so no proxy applies.
client = Client(base_url=sys.argv[1], headers=headers, raise_on_unexpected_status=True,
                httpx_args={"trust_env": False})
run = uuid.uuid4().hex
now = datetime.datetime.now(datetime.timezone.utc)


def order(amount):
    """Returns an order of one candle at 2.50."""
    price = "2.50"
    line = Line(number=1, sku="1", description="Candle", quantity="1",
                unit="EA", regular_price=price, unit_price=price, amount=amount)
    return NewOrder(id=f"client-{run}", store_id=store.id, workstation="1", begun_at=now,
                    lines=[line])


def check_problem(response, status, code):
    assert isinstance(response, ProblemDetails), response
    assert (response.status, response.code) == (status, code), response


store = store_list.sync(client=client, limit=1).stores[0]

missing = order_get.sync("client-missing", client=client)
check_problem(missing, 404, "not_found")

wrong = order_place.sync(client=client, body=order(249), idempotency_key=f"{run}-wrong")
check_problem(wrong, 422, "invalid")
assert any(error.field == "lines.0.amount" for error in wrong.errors), wrong

placed = order_place.sync(client=client, body=order(250), idempotency_key=f"{run}-place")
assert isinstance(placed, OrderView), placed
assert placed.id == f"client-{run}", placed

again = order_place.sync_detailed(client=client, body=order(250), idempotency_key=f"{run}-place")
assert again.headers["idempotency-replayed"] == "true", again
assert again.parsed == placed, again

payment = NewPayment(id=f"client-{run}", at=now, tenders=[Tender(
    number=1, kind="cash", amount=250, tendered=250, change=0)])
paid = payment_accept.sync(placed.id, client=client, body=payment, idempotency_key=f"{run}-pay")
assert isinstance(paid, PaymentView), paid

payment.id += "-2"
twice = payment_accept.sync(placed.id, client=client, body=payment, idempotency_key=f"{run}-twice")
check_problem(twice, 409, "order_paid")

read = order_get.sync(placed.id, client=client)
assert isinstance(read, OrderView), read
assert read.id == placed.id and read.status == "paid", read
