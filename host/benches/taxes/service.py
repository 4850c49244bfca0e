"""The reference of the benchmark `taxes`: a FastAPI service that evaluates taxes as Galleria does with prices that
include the tax, per line, half up. It reads the table once; it has no database, access control or log."""

import csv
import os
from decimal import ROUND_HALF_UP, Decimal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

CENT = Decimal("0.01")


class StoreData(BaseModel):
    model_config = ConfigDict(extra="forbid")
    store_id: str
    tax_included_in_price: bool = True
    tax_calculator: str | None = None


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")
    item_id: str
    total_amount: Decimal
    tax_code: str
    quantity: Decimal = Decimal(1)


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid")
    store_data: StoreData
    commit: bool = False
    items: list[Item]


class LevelTax(BaseModel):
    tax_code: str
    tax_level: str
    retailer_tax_level_id: str
    authority: str = ""
    kind: str = "percent"
    tax_percent: Decimal
    treatment: str = "standard"
    included: bool = True
    taxable_amount: Decimal
    tax_amount: Decimal


class ItemTax(BaseModel):
    item_id: str
    total_amount: Decimal
    taxable_amount: Decimal
    total_tax: Decimal
    total_amount_after_tax: Decimal
    taxes: list[LevelTax]


class Response(BaseModel):
    total_basket_amount: Decimal
    total_taxable_amount: Decimal
    total_tax: Decimal
    total_basket_amount_after_tax: Decimal
    tax_breakup: list[LevelTax]
    item_tax: list[ItemTax]
    route: str = "embedded"
    fallback: bool = False


def table():
    with open(os.environ["TAX_TABLE"], newline="") as file:
        return {row["tax_code"]: row for row in csv.DictReader(file)}


app = FastAPI()
rows = table()


@app.post("/v1/taxes/evaluate")
def evaluate(request: Request) -> Response:
    items, sums = [], {}
    for item in request.items:
        row = rows[item.tax_code]
        rate = Decimal(row["tax_percent"])
        tax = (item.total_amount * rate / (100 + rate)).quantize(CENT, ROUND_HALF_UP)
        net = item.total_amount - tax
        level = LevelTax(
            tax_code=item.tax_code,
            tax_level=row["tax_level"],
            retailer_tax_level_id=row["retailer_tax_level_id"],
            tax_percent=rate,
            taxable_amount=net,
            tax_amount=tax,
        )
        items.append(
            ItemTax(
                item_id=item.item_id,
                total_amount=item.total_amount,
                taxable_amount=net,
                total_tax=tax,
                total_amount_after_tax=item.total_amount,
                taxes=[level],
            )
        )
        total = sums.setdefault(item.tax_code, level.model_copy(update={"taxable_amount": 0, "tax_amount": 0}))
        total.taxable_amount += net
        total.tax_amount += tax
    amount = sum(item.total_amount for item in request.items)
    tax = sum(item.total_tax for item in items)
    return Response(
        total_basket_amount=amount,
        total_taxable_amount=amount - tax,
        total_tax=tax,
        total_basket_amount_after_tax=amount,
        tax_breakup=[sums[code] for code in sorted(sums)],
        item_tax=items,
    )
