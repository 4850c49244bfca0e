"""Writes one CSV and publishes one event for each sale of a corner shop. Decides the same as `corner-
shop-rust`.
"""

import re

from galleria_sdk import Decimal, Decision, Invalid, Problem, Retry, csv, log, money, settings, variant

SETTINGS = settings.Fields(
    topic=settings.text(),
    file_name=settings.text("{store}-{date}-{workstation}-{sequence}.csv"),
    delimiter=settings.text(";", allowed=[";", ",", "|", "\t"]),
    decimal_mark=settings.text(",", allowed=[",", "."]),
    points_per_unit=settings.decimal("0"),
    provider_wait_s=settings.integer(30, least=1, most=3600),
    training=settings.text("skip", allowed=["skip", "write"]),
)

COLUMNS = (
    "row;kind;code;description;quantity;unit;price;discount;tax;amount;currency"
).split(";")


def check(values):
    """Returns the problems of settings with valid types."""
    problems = []
    for piece in ("{workstation}", "{sequence}"):
        if piece not in values.file_name:
            problems.append(Problem("file_name", f"must contain {piece}, or two sales share a name"))
    if re.search("[{}]", file_name(values.file_name, "", "", "", "")):
        message = "may contain only {store}, {date}, {workstation} and {sequence}"
        problems.append(Problem("file_name", message))
    if values.delimiter == values.decimal_mark:
        problems.append(Problem("decimal_mark", "must differ from the delimiter"))
    return problems


def on_payment(cx, sale):
    store = cx.store
    if sale.entry.training and cx.settings.training == "skip":
        return Decision().note("skipped", "training")
    refuse_what_cannot_be(store, sale)
    wait_for_the_provider(cx, sale)
    assert_numbers_differ(sale)
    counted = [line for line in sale.lines if not line.voided]
    left_out = len(sale.lines) - len(counted)
    name = file_name(
        cx.settings.file_name,
        store.external_id,
        cx.business_date.replace("-", ""),
        sale.entry.workstation,
        str(sale.entry.sequence).rjust(6, "0"),
    )
    decision = (
        Decision()
        .document("transaction_logs", name, "text/csv", document(cx, store, sale, counted))
        .publish(cx.settings.topic, sale.entry.order_id, event(cx, store, sale, counted))
        .note("lines", len(counted))
    )
    for line in counted:
        decision.note(f"line {line.number}", f"{line.quantity} {line.unit} at {line.unit_price}, {line.kind}")
        if line.age:
            decision.note(f"age of line {line.number}", line.age.outcome)
    if left_out:
        log.info("voided lines left out", lines=left_out)
        decision.note("left-out", left_out)
    return decision


def refuse_what_cannot_be(store, sale):
    problems = []
    if sale.entry.currency != store.currency:
        message = f"is {sale.entry.currency}, but the store's currency is {store.currency}"
        problems.append(Problem("entry.currency", message))
    if not sale.lines:
        problems.append(Problem("lines", "a sale has at least one line"))
    for line in sale.lines:
        if line.quantity.unscaled <= 0:
            problems.append(Problem(f"lines.{line.number}.quantity", "must be greater than 0"))
    if problems:
        raise Invalid.all(problems)


def wait_for_the_provider(cx, sale):
    """The provider's reference of a card payment may arrive shortly after the payment."""
    for tender in sale.tenders:
        if tender.kind in ("card", "wallet") and tender.psp_reference is None:
            reason = f"tender {tender.number} has no reference of its provider yet"
            raise Retry(reason, seconds=cx.settings.provider_wait_s)


def assert_numbers_differ(sale):
    """The host accepts no other sale, so this is a crash, not a fault."""
    seen = {}
    for line in sale.lines:
        other = seen.setdefault(line.number, line)
        assert other is line, f"two lines have the number {line.number}: {other.description}, {line.description}"


def file_name(pattern, store, date, workstation, sequence):
    """Fills the pattern. Characters other than letters, digits, `.`, `_` and `-` become `-`."""
    parts = {"{store}": store, "{date}": date, "{workstation}": workstation, "{sequence}": sequence}
    for piece, value in parts.items():
        pattern = pattern.replace(piece, re.sub("[^A-Za-z0-9._-]", "-", value))
    return pattern


def document(cx, store, sale, counted):
    digits, currency = store.minor_digits, sale.entry.currency
    rows = csv.Writer(delimiter=cx.settings.delimiter, decimal_mark=cx.settings.decimal_mark)
    for column in COLUMNS:
        rows.text(column)
    rows.end_row()
    for line in counted:
        sign = sign_of(line)
        rows.integer(line.number).text(variant(line.kind)[0]).text(line.sku).text(line.description)
        rows.decimal(signed(sign, line.quantity)).text(line.unit).decimal(Decimal.of(line.unit_price))
        rows.amount(money.sum(discount.amount for discount in line.discounts), digits)
        rows.amount(money.sum(sign * tax.amount for tax in line.taxes), digits)
        rows.amount(sign * line.amount, digits).text(currency).end_row()
    for tender in sale.tenders:
        rows.integer(tender.number).text("tender").text(tender.kind).text(tender.scheme or "")
        if tender.foreign is None:
            rows.empty().empty().empty()
        else:
            rows.integer(tender.foreign.amount).text(tender.foreign.currency)
            rows.decimal(Decimal.of(tender.foreign.rate))
        rows.empty().empty().amount(tender.amount, digits).text(currency).end_row()
    total = money.sum([sale.gross, sale.rounding])
    rows.empty().text("total").text(sale.entry.receipt)
    rows.text(sale.member.id if sale.member else "").empty().empty().empty().empty()
    rows.amount(money.sum(tax.amount for tax in sale.taxes), digits)
    return rows.amount(total, digits).text(currency).end_row().finish()


def event(cx, store, sale, counted):
    entry = sale.entry
    pieces = Decimal(0)
    for line in counted:
        if line.unit == "EA":
            pieces = pieces.plus(signed(sign_of(line), line.quantity))
    points = Decimal(sale.gross, store.minor_digits).extended(cx.settings.points_per_unit, 0)
    return {
        "store": store.external_id,
        "workstation": entry.workstation,
        "sequence": entry.sequence,
        "receipt": entry.receipt,
        "business_date": cx.business_date,
        "ended_at": entry.ended_at,
        "member": sale.member.id if sale.member else None,
        "currency": entry.currency,
        "net": sale.net,
        "gross": sale.gross,
        "rounding": sale.rounding,
        "pieces": str(pieces.trimmed()),
        "points": points,
        "taxes": [
            {"code": tax.code, "rate": str(Decimal.of(tax.rate).trimmed()), "amount": tax.amount}
            for tax in sale.taxes
        ],
    }


def sign_of(line):
    """Returns -1 if the line reduces the total."""
    return -1 if line.returned or variant(line.kind)[0] == "deposit-return" else 1


def signed(sign, quantity):
    return Decimal.of(quantity) if sign > 0 else Decimal.of(quantity).negated()
