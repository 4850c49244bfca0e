#!/usr/bin/env python3
"""Checks POSLOG files against the schema of the standard and against their orders.

Shares no code with the plugins: it parses the XML and computes the sums of the orders itself. Needs Python,
and either lxml or xmllint for the schema.

    check.py --schema POSLogV6.0.0.xsd --orders day.jsonl out/poslog
    check.py --schema POSLogV6.0.0.xsd --fixtures plugins/PLUGIN/fixtures

Each line of the orders is {"kind": "sale|refund|void|shift", "file": "...", "argument": {...}},
where the argument is the event in the JSON of the contract. It may have "minor_digits" if the currency
is not in ISO 4217. Prints each difference and a summary line. Exits with 1 after a difference, with 2 if it
cannot check.
"""

import argparse
import collections
import json
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from decimal import Decimal

ZERO_DIGITS = set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())
THREE_DIGITS = set("BHD IQD JOD KWD LYD OMR TND".split())
STATUS = {
    "post_void": "PostVoided",
    "payment_failed": "Voided",
    "abandoned": "Canceled",
    "suspended": "Suspended",
}
# Elements with an amount of money. Each must name its currency.
MONEY = set(
    "Amount AmountAppliedToBill ExtendedAmount ExtendedDiscountAmount RegularSalesUnitPrice "
    "ActualSalesUnitPrice TaxableAmount RequestedAmount OriginalFaceAmount InitialBalance Rounding "
    "TotalNetSalesAmount TotalNetReturnAmount TotalTaxAmount".split()
)
BATCH = 200


class Order:
    """An event and the list for its differences."""

    def __init__(self, kind, argument, digits, found):
        self.kind, self.argument, self.found = kind, argument, found
        self.entry = argument["entry"]
        self.digits = currency_digits(self.entry["currency"]) if digits is None else digits

    def money(self, minor):
        return Decimal(minor).scaleb(-self.digits)

    def same(self, what, in_file, in_order):
        if in_file != in_order:
            self.found.append(f"{what}: got {in_file}, expected {in_order}")


def currency_digits(code):
    return 0 if code in ZERO_DIGITS else 3 if code in THREE_DIGITS else 2


def decimal(value):
    return Decimal(value)


def name(element):
    return element.tag.rpartition("}")[2]


def childs(element, tag):
    return [child for child in element if name(child) == tag]


def child(element, *path):
    for tag in path:
        if element is None:
            return None
        element = next(iter(childs(element, tag)), None)
    return element


def text(element, *path):
    found = child(element, *path)
    return None if found is None else (found.text or "")


def number(element, *path):
    found = text(element, *path)
    return None if found is None else Decimal(found)


def currency_of(code):
    """Returns the currency as written: a prefix marks currencies that the schema does not list."""
    return (code or "").rpartition(":")[2]


# Elements of all documents.


def check_head(order, root, transaction):
    entry = order.entry
    order.same("POSLog@MajorVersion", root.get("MajorVersion"), "6")
    order.same("SequenceNumber", text(transaction, "SequenceNumber"), str(entry["sequence"]))
    order.same("TransactionID", clean(text(transaction, "TransactionID")), clean(entry["id"]))
    order.same("WorkstationID", clean(text(transaction, "WorkstationID")), clean(entry["workstation"]))
    order.same("BusinessDayDate", text(transaction, "BusinessDayDate"), entry["business_date"])
    order.same("CurrencyCode", currency_of(text(transaction, "CurrencyCode")), entry["currency"])
    training = transaction.get("TrainingModeFlag") == "true"
    order.same("TrainingModeFlag", training, bool(entry.get("training")))
    if not text(transaction, "BusinessUnit", "UnitID"):
        order.found.append("BusinessUnit/UnitID: empty")


def clean(value):
    """Removes characters that XML does not allow, and their replacements."""
    good = [c for c in value or "" if c != "\ufffd" and (c >= " " or c in "\t\n\r") and c not in "\ufffe\uffff"]
    return "".join(good)


def check_money(order, root):
    foreign = {id(e) for f in root.iter() if name(f) == "ForeignCurrency" for e in f.iter()}
    for element in root.iter():
        tag, value = name(element), (element.text or "").strip()
        if tag in MONEY and value:
            if element.get("Currency") is None:
                order.found.append(f"{tag}: no currency, so USD by default")
            elif id(element) not in foreign and currency_of(element.get("Currency")) != order.entry["currency"]:
                order.found.append(f"{tag}: currency {element.get('Currency')}")
            if Decimal(value) < 0:
                order.found.append(f"{tag}: {value}, must not be negative")


# Sales, refunds and voids.


def comes_back(line):
    return line.get("returned", False) or line.get("kind") == "deposit_return"


def basket_of(order):
    """Returns the expected content: the argument, or for a void the cancelled sale."""
    argument = order.argument
    if order.kind != "void":
        return argument
    origin = argument.get("origin", "none")
    if isinstance(origin, dict) and "sale" in origin:
        return origin["sale"]
    lines = argument.get("lines", [])
    counted = [line for line in lines if not line.get("voided")]
    sign = lambda line: -1 if comes_back(line) else 1
    every = [(sign(line), tax) for line in counted for tax in line.get("taxes", [])]
    on_top = sum(s * tax["amount"] for s, tax in every if not tax["included"])
    gross = sum(sign(line) * line["amount"] for line in counted) + on_top
    net = gross - sum(s * tax["amount"] for s, tax in every)
    taxes = [dict(tax, amount=s * tax["amount"], taxable=s * tax["taxable"]) for s, tax in every]
    return {"lines": lines, "tenders": [], "taxes": taxes, "rounding": 0, "gross": gross, "net": net}


def check_retail(order, transaction):
    retail = child(transaction, "RetailTransaction")
    if retail is None:
        order.found.append("RetailTransaction: missing")
        return
    basket = basket_of(order)
    items = childs(retail, "LineItem")
    numbers = [text(item, "SequenceNumber") for item in items]
    if len(set(numbers)) != len(numbers):
        order.found.append("LineItem/SequenceNumber: not unique")
    check_status(order, retail, transaction)
    check_lines(order, basket, items)
    check_basket_taxes(order, basket, items)
    check_tenders(order, basket, items)
    check_totals(order, basket, retail, transaction)
    check_link(order, retail)


def check_status(order, retail, transaction):
    expected = "Finished"
    if order.kind == "void":
        cause = order.argument["cause"]
        expected = STATUS.get(cause, "TransactionVoided") if isinstance(cause, str) else "TransactionVoided"
    order.same("TransactionStatus", retail.get("TransactionStatus"), expected)
    # A control transaction, so that no reader takes it for a sale.
    allowed = {"sale": ("SaleTransaction", "ExchangeTransaction"), "refund": ("ReturnTransaction", "SaleTransaction")}
    if transaction.get("TypeCode") not in allowed.get(order.kind, ("SaleTransaction", "ExchangeTransaction")):
        order.found.append(f"Transaction@TypeCode: {transaction.get('TypeCode')}")


def goods(item):
    found = childs(item, "Sale") + childs(item, "Return")
    return found[0] if found else None


def sign_of(item):
    """Returns 1 for sold and -1 for returned goods."""
    body = goods(item)
    back = name(body) == "Return" or number(body, "Quantity") < 0
    return -1 if back else 1


def check_lines(order, basket, items):
    refund = order.kind == "refund"
    written = {text(item, "SequenceNumber"): item for item in items if goods(item) is not None}
    lines = basket.get("lines", [])
    counted = lambda item: item.get("VoidFlag") != "true"
    total = sum(sign_of(item) * number(goods(item), "ExtendedAmount") for item in written.values() if counted(item))
    on_top = sum(tax["amount"] for tax in basket.get("taxes", []) if not tax["included"])
    expected = order.money(basket["gross"] - on_top)
    order.same("sum of lines", total, -expected if refund else expected)
    if not lines:
        order.same("lines", len(written), 1 if refund else 0)
        return
    order.same("lines", sorted(written, key=int), sorted((str(line["number"]) for line in lines), key=int))
    for line in lines:
        item = written.get(str(line["number"]))
        if item is not None:
            check_line(order, line, item, refund)


def check_line(order, line, item, refund):
    at, body = f"line {line['number']}", goods(item)
    back = refund or comes_back(line)
    quantity = number(body, "Quantity")
    order.same(f"{at}: direction", sign_of(item), -1 if back else 1)
    order.same(f"{at}: quantity", abs(quantity), decimal(line["quantity"]))
    order.same(f"{at}: voided", item.get("VoidFlag") == "true", bool(line.get("voided")))
    order.same(f"{at}: item", clean(text(body, "ItemID")), clean(line["sku"]))
    order.same(f"{at}: amount", number(body, "ExtendedAmount"), order.money(line["amount"]))
    order.same(f"{at}: unit price", number(body, "ActualSalesUnitPrice"), decimal(line["unit_price"]))
    discounts = [discount["amount"] for discount in line.get("discounts", [])]
    order.same(f"{at}: sum of discounts", number(body, "ExtendedDiscountAmount"), order.money(sum(discounts)))
    modifiers = childs(body, "RetailPriceModifier")
    order.same(f"{at}: discounts", [number(m, "Amount") for m in modifiers], [order.money(d) for d in discounts])
    taxes = [(clean(text(t, "TaxGroupID")), number(t, "TaxableAmount"), number(t, "Amount")) for t in childs(body, "Tax")]
    expected = [(clean(t["code"]), order.money(t["taxable"]), order.money(t["amount"])) for t in line.get("taxes", [])]
    order.same(f"{at}: taxes", taxes, expected)
    for tax in childs(body, "Tax"):
        order.same(f"{at}: Tax@TypeCode", tax.get("TypeCode"), "Refund" if back else "Sale")
    parent = line.get("parent")
    order.same(f"{at}: parent", text(body, "ItemLink"), None if parent is None else str(parent))


def check_basket_taxes(order, basket, items):
    expected, from_lines, from_items = (collections.Counter() for _ in range(3))
    refund = order.kind == "refund"
    for tax in basket.get("taxes", []):
        expected[clean(tax["code"])] += order.money(tax["amount"]) * (-1 if refund else 1)
    sign = lambda tax: -1 if tax.get("TypeCode") == "Refund" else 1
    there = False
    for item in items:
        body = goods(item)
        if body is not None and item.get("VoidFlag") != "true":
            for tax in childs(body, "Tax"):
                from_lines[clean(text(tax, "TaxGroupID"))] += sign(tax) * number(tax, "Amount")
        for tax in childs(item, "Tax"):
            there = True
            from_items[clean(text(tax, "TaxGroupID"))] += sign(tax) * number(tax, "Amount")
    if basket.get("lines"):
        order.same("sum of the lines' taxes", present(from_lines), present(expected))
    if there:
        order.same("sum of the basket's taxes", present(from_items), present(expected))


def present(counter):
    return {key: value for key, value in sorted(counter.items()) if value}


def check_tenders(order, basket, items):
    refund = order.kind == "refund"
    bodies = [body for item in items for body in childs(item, "Tender")]
    tenders = basket.get("tenders", [])
    paid = [(number(b, "Amount"), number(b, "AmountAppliedToBill")) for b in bodies]
    order.same("tenders", paid, [(order.money(t["tendered"]), order.money(t["amount"])) for t in tenders])
    rounding = basket.get("rounding", 0)
    if order.kind != "void" or tenders:
        due = order.money(basket["gross"] + rounding)
        order.same("sum of tenders", sum((applied for _, applied in paid), Decimal(0)), due)
    change = [c for b in bodies for c in childs(b, "TenderChange")] + [c for i in items for c in childs(i, "TenderChange")]
    order.same("change", [number(c, "Amount") for c in change], [order.money(t["change"]) for t in tenders if t["change"]])
    for body, tender in zip(bodies, tenders):
        order.same("Tender@TypeCode", body.get("TypeCode"), "Refund" if refund else "Sale")
        check_foreign(order, child(body, "ForeignCurrency"), tender.get("foreign"))
    up = lambda r: -1 if r.get("RoundingDirection") == "Down" else 1
    written = sum(up(r) * Decimal(r.text) for item in items for r in childs(item, "Rounding"))
    order.same("rounding", written, order.money(rounding))


def check_foreign(order, written, foreign):
    if (written is None) != (foreign is None):
        order.found.append("ForeignCurrency: only in the file or only in the order")
    if written is None or foreign is None:
        return
    digits = currency_digits(foreign["currency"])
    order.same("foreign currency", currency_of(text(written, "CurrencyCode")), foreign["currency"])
    order.same("foreign amount", number(written, "OriginalFaceAmount"), Decimal(foreign["amount"]).scaleb(-digits))
    order.same("exchange rate", number(written, "ExchangeRate"), decimal(foreign["rate"]))


def check_totals(order, basket, retail, transaction):
    totals = {total.get("TotalType"): Decimal(total.text) for total in childs(retail, "Total")}
    for total in childs(retail, "Total"):
        order.same("Total@CurrencyCode", currency_of(total.get("CurrencyCode")), order.entry["currency"])
    # The totals of a refund are positive in a ReturnTransaction and negative in a SaleTransaction.
    minus = order.kind == "refund" and transaction.get("TypeCode") == "SaleTransaction"
    sign = -1 if minus else 1
    back = lambda line: order.kind != "refund" and comes_back(line)
    counted = [line for line in basket.get("lines", []) if not line.get("voided")]
    off = sum((-1 if back(line) else 1) * sum(d["amount"] for d in line.get("discounts", [])) for line in counted)
    taxes = basket.get("taxes", [])
    on_top = sum(tax["amount"] for tax in taxes if not tax["included"])
    expected = {
        "TransactionGrandAmount": basket["gross"],
        "TransactionNetAmount": basket["gross"] - on_top,
        "TransactionGrossAmount": basket["gross"] - on_top + off,
        "DiscountAmount": off,
        "TransactionTaxAmount": basket["gross"] - basket["net"],
        "TransactionTaxSurcharge": on_top,
        "TransactionTaxIncluded": sum(tax["amount"] for tax in taxes if tax["included"]),
        "TransactionTenderApplied": sum(tender["amount"] for tender in basket.get("tenders", [])),
    }
    for total_type, amount in expected.items():
        order.same(total_type, totals.get(total_type), sign * order.money(amount))


def check_link(order, retail):
    if order.kind == "sale":
        return
    origin = order.argument.get("origin", "none")
    entry = None
    if isinstance(origin, dict):
        entry = origin["sale"]["entry"] if "sale" in origin else origin["reference"]
    link = child(retail, "TransactionLink")
    order.same("TransactionLink/TransactionID", text(link, "TransactionID") if link is not None else None, entry and entry["id"])
    if link is not None:
        order.same("TransactionLink@ReasonCode", link.get("ReasonCode"), "Voided" if order.kind == "void" else "Return")
        if entry:
            order.same("TransactionLink/SequenceNumber", text(link, "SequenceNumber"), str(entry["sequence"]))


# Shifts.


def check_shift(order, transaction):
    shift = order.argument
    settle = child(transaction, "TenderControlTransaction", "TillSettle")
    ended = child(transaction, "ControlTransaction", "ShiftEnd")
    if settle is None or ended is None:
        order.found.append("TillSettle or ShiftEnd: missing")
        return
    if (transaction.get("TypeCode") or "SaleTransaction").endswith("Transaction"):
        order.found.append("Transaction@TypeCode: readers would take the shift for a sale")
    order.same("ShiftEnd/StartDateTimestamp", text(ended, "StartDateTimestamp"), shift["opened_at"])
    order.same("ShiftEnd/EndDateTimestamp", text(ended, "EndDateTimestamp"), shift["closed_at"])
    order.same("TillID", text(transaction, "TillID"), shift["till"])
    order.same("TransactionCount", text(settle, "TransactionCount"), str(shift["transactions"]))
    order.same("TotalNetSalesAmount", number(settle, "TotalNetSalesAmount"), order.money(shift["net_sales"]))
    order.same("TotalNetReturnAmount", number(settle, "TotalNetReturnAmount"), order.money(shift["net_refunds"]))
    tax = order.money(shift["tax"]) if shift["tax"] >= 0 else None
    order.same("TotalTaxAmount", number(settle, "TotalTaxAmount"), tax)
    summaries = childs(settle, "TenderSummary")
    drawers = [summary for summary in summaries if child(summary, "Beginning") is not None]
    order.same("drawers", len(drawers), 1)
    if drawers:
        check_drawer(order, shift, drawers[0])
    ledger = lambda s: (number(s, "Sales", "Amount"), number(s, "Returns", "Amount"))
    others = sorted(ledger(summary) for summary in summaries if summary not in drawers)
    expected = [t for t in shift.get("tenders", []) if t["kind"] != "cash"]
    order.same("other tenders", others, sorted((order.money(t["sales"]), order.money(t["refunds"])) for t in expected))


def check_drawer(order, shift, drawer):
    cash = [t for t in shift.get("tenders", []) if t["kind"] == "cash"]
    expected = {
        "Beginning": shift["opening_float"],
        "Sales": sum(t["sales"] for t in cash),
        "Returns": sum(t["refunds"] for t in cash),
        "PaidIn": shift["paid_in"],
        "PaidOut": shift["paid_out"],
        "Pickup": shift["pickups"],
        "Ending": shift["counted"],
    }
    for tag, amount in expected.items():
        order.same(f"cash {tag}", number(drawer, tag, "Amount"), order.money(amount))
    over = number(drawer, "Over", "Amount") or Decimal(0)
    short = number(drawer, "Short", "Amount") or Decimal(0)
    order.same("over or short", over - short, order.money(shift["counted"] - shift["expected"]))
    amount = lambda tag: number(drawer, tag, "Amount") or Decimal(0)
    held = amount("Beginning") + amount("Sales") - amount("Returns") + amount("PaidIn") - amount("PaidOut") - amount("Pickup")
    order.same("drawer's own sum", amount("Ending") - held, over - short)


# Files.


def check_file(kind, path, argument, digits):
    found = []
    try:
        order = Order(kind, argument, digits, found)
        root = ET.parse(path).getroot()
        order.same("root", name(root), "POSLog")
        transactions = childs(root, "Transaction")
        order.same("transactions", len(transactions), 1)
        check_head(order, root, transactions[0])
        check_money(order, root)
        if kind == "shift":
            check_shift(order, transactions[0])
        else:
            check_retail(order, transactions[0])
    except (ET.ParseError, OSError) as error:
        found.append(f"unreadable: {error}")
    except (ArithmeticError, AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        found.append(f"not comparable: {type(error).__name__}: {error}")
    return found


def validate(schema, paths):
    """Returns the schema errors by path."""
    try:
        from lxml import etree
    except ImportError:
        return validate_with_xmllint(schema, paths)
    errors = collections.defaultdict(list)
    rules = etree.XMLSchema(etree.parse(str(schema)))
    for path in paths:
        try:
            document = etree.parse(str(path))
        except (OSError, etree.XMLSyntaxError) as error:
            errors[path].append(str(error))
            continue
        if not rules.validate(document):
            errors[path].extend(f"line {error.line}: {error.message}" for error in rules.error_log)
    return errors


def validate_with_xmllint(schema, paths):
    if shutil.which("xmllint") is None:
        print("lxml and xmllint are missing; install libxml2-utils", file=sys.stderr)
        sys.exit(2)
    errors = collections.defaultdict(list)
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        command = ["xmllint", "--noout", "--nonet", "--schema", str(schema), *map(str, batch)]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()
        valid = {line.removesuffix(" validates") for line in said if line.endswith(" validates")}
        for path in batch:
            if str(path) not in valid:
                own = [line.removeprefix(str(path)) for line in said if line.startswith(str(path))]
                errors[path].extend(own or ["is not valid"])
    return errors


def from_orders(listing, folder):
    """Reads the list of orders: (kind, path, argument, digits)."""
    work, listed = [], set()
    with open(listing, encoding="utf-8") as lines:
        for line in filter(str.strip, lines):
            order = json.loads(line)
            listed.add(order["file"])
            work.append((order["kind"], folder / order["file"], order["argument"], order.get("minor_digits")))
    stray = sorted(p for p in folder.iterdir() if p.suffix != ".complete" and p.is_file() and p.name not in listed)
    return work, stray


def from_fixtures(folder):
    """Reads the fixtures of a plugin: each event is an order, each golden document a file."""
    kinds = {"on-payment": "sale", "on-refund": "refund", "on-void": "void", "on-shift-end": "shift"}
    work = []
    for event_path in sorted(folder.glob("*/event.json")):
        event = json.loads(event_path.read_text(encoding="utf-8"))
        if event["point"] in kinds:
            digits = event["context"]["scope"].get("store", {}).get("minor_digits")
            for path in sorted((event_path.parent / "decision" / "files" / "poslog").glob("*")):
                work.append((kinds[event["point"]], path, event["argument"], digits))
    return work, []


def main():
    parser = argparse.ArgumentParser(description="Checks POSLOG files against schema and orders.")
    parser.add_argument("--schema", required=True, type=pathlib.Path, help="POSLogV6.0.0.xsd")
    parser.add_argument("--orders", type=pathlib.Path, help="JSON lines: kind, file, argument")
    parser.add_argument("--fixtures", type=pathlib.Path, help="a plugin's fixtures, instead of orders")
    parser.add_argument("folder", nargs="?", type=pathlib.Path, help="where the files are")
    options = parser.parse_args()
    if not options.schema.is_file():
        print(f"{options.schema}: no such schema", file=sys.stderr)
        return 2
    if options.fixtures:
        work, stray = from_fixtures(options.fixtures)
    elif options.orders and options.folder:
        work, stray = from_orders(options.orders, options.folder)
    else:
        parser.error("either --fixtures, or --orders and a folder")
    if not work:
        print("no files to check", file=sys.stderr)
        return 2
    invalid = validate(options.schema, sorted({path for _, path, _, _ in work if path.is_file()} | set(stray)))
    count = 0
    for path in stray:
        count += 1
        print(f"{path.name}: no order for this file")
    for path in sorted(invalid):
        count += len(invalid[path])
        for error in invalid[path]:
            print(f"{path.name}: schema: {error}")
    for kind, path, argument, digits in work:
        for difference in check_file(kind, path, argument, digits):
            count += 1
            print(f"{path.name}: {difference}")
    kinds = collections.Counter(kind for kind, *_ in work)
    counts = ", ".join(f"{number} {kind}s" for kind, number in sorted(kinds.items()))
    print(f"{len(work)} POSLOGs ({counts}): {count} differences")
    return 1 if count else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (json.JSONDecodeError, KeyError, OSError) as problem:
        print(f"cannot check: {type(problem).__name__}: {problem}", file=sys.stderr)
        sys.exit(2)
