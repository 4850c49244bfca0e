"""Evaluates taxes in another way than the engine, for comparison.

`reference.py draw COUNT` prints drawn baskets as JSON Lines. `reference.py compare BASKETS RESULTS` compares the
engine's results with its own, and prints the baskets that differ. It solves no equations: the taxes of a net amount
are computed in order, and the net amount follows from two trials, because an item's amount is a linear function of
it.
"""

import decimal
import fractions
import json
import random
import sys

Fraction = fractions.Fraction
decimal.getcontext().prec = 200
MODES = {
    "half_up": decimal.ROUND_HALF_UP,
    "half_even": decimal.ROUND_HALF_EVEN,
    "up": decimal.ROUND_UP,
    "down": decimal.ROUND_DOWN,
}


def rounded(value, step, mode):
    """Rounds a fraction to a multiple of the step: one division of decimals, then quantize."""
    ratio = value / step
    quotient = decimal.Decimal(ratio.numerator) / decimal.Decimal(ratio.denominator)
    return int(quotient.quantize(decimal.Decimal(1), rounding=MODES[mode])) * step


def taxes_of(net, quantity, taxes):
    """The exact taxes of a net amount, in order."""
    amounts = []
    base = net
    for tax in taxes:
        rate = Fraction(tax["rate"])
        applies_to = net if tax["ignores_earlier_taxes"] else base
        if tax["treatment"] in ("zero", "exempt"):
            amount = Fraction(0)
        elif tax["kind"] == "percent":
            amount = applies_to * rate / 100
        elif tax["kind"] == "fixed_per_unit":
            amount = rate * quantity
        else:
            amount = applies_to / (1 - rate / 100) - applies_to
        amounts.append(amount)
        if tax["affects_later_taxes"]:
            base += amount
    return amounts


def exact_taxes(price, quantity, taxes):
    """The exact taxes of an amount that contains the included ones."""

    def amount_of(net):
        amounts = taxes_of(net, quantity, taxes)
        return net + sum(a for a, tax in zip(amounts, taxes) if tax["included"])

    at_zero, at_one = amount_of(Fraction(0)), amount_of(Fraction(1))
    return taxes_of((price - at_zero) / (at_one - at_zero), quantity, taxes)


def apportion(total, exact, unit):
    """Largest remainder: parts near the exact values whose sum is the total."""
    parts = [rounded(value, unit, "down") for value in exact]
    missing = (total - sum(parts)) / unit
    sign = 1 if missing > 0 else -1
    order = sorted(range(len(exact)), key=lambda i: (-sign * (exact[i] - parts[i]), i))
    for index in order[: abs(int(missing))]:
        parts[index] += sign * unit
    return parts


def key(tax):
    kinds = ["percent", "fixed_per_unit", "division"]
    treatments = ["standard", "reduced", "luxury", "zero", "exempt"]
    return (
        tax["authority"],
        tax["code"],
        kinds.index(tax["kind"]),
        Fraction(tax["rate"]),
        treatments.index(tax["treatment"]),
        tax["included"],
    )


def discount_shares(basket, amounts):
    discount = sum(Fraction(one["amount"]) for one in basket["discounts"])
    if not discount:
        return [Fraction(0)] * len(amounts)
    texts = [item["amount"] for item in basket["items"]] + [basket["rounding"]["precision"]]
    texts += [one["amount"] for one in basket["discounts"]]
    digits = max(-decimal.Decimal(text).as_tuple().exponent for text in texts)
    exact = [discount * amount / sum(amounts) for amount in amounts]
    return apportion(discount, exact, Fraction(1, 10**digits))


def rounded_sums(exact, rows, step, rounding):
    """Rounds the sums of rows, or their total, and splits them down to the items."""
    values = [list(line) for line in exact]
    names = sorted(rows)
    sums = [sum(exact[index][n] for index, n in rows[name]) for name in names]
    if rounding["method"] == "per_total":
        total = rounded(sum(sums, Fraction(0)), step, rounding["mode"])
        totals = apportion(total, sums, step)
    else:
        totals = [rounded(value, step, rounding["mode"]) for value in sums]
    for name, total in zip(names, totals):
        parts = apportion(total, [exact[index][n] for index, n in rows[name]], step)
        for (index, n), part in zip(rows[name], parts):
            values[index][n] = part
    return values


def rounded_tax(value, quantity, step, rounding):
    if rounding["method"] == "unrounded":
        return rounded(value, step, "half_even")
    if rounding["method"] == "per_unit":
        unit = rounded(value / quantity, step, rounding["mode"])
        return rounded(unit * quantity, step, rounding["mode"])
    return rounded(value, step, rounding["mode"])


def evaluate(basket):
    rounding = basket["rounding"]
    method = rounding["method"]
    step = Fraction(1, 10**12) if method == "unrounded" else Fraction(rounding["precision"])
    items = basket["items"]
    amounts = [Fraction(item["amount"]) for item in items]
    shares = discount_shares(basket, amounts)
    exact, rows = [], {}
    for index, item in enumerate(items):
        price, quantity = amounts[index] - shares[index], Fraction(item["quantity"])
        if price:
            quantity = abs(quantity) * (1 if price > 0 else -1)
        exact.append(exact_taxes(price, quantity, item["taxes"]))
        for n, tax in enumerate(item["taxes"]):
            rows.setdefault(key(tax), []).append((index, n))
    if method in ("per_rate", "per_total"):
        values = rounded_sums(exact, rows, step, rounding)
    else:
        values = [
            [rounded_tax(value, abs(Fraction(item["quantity"])), step, rounding) for value in line]
            for item, line in zip(items, exact)
        ]
    net = gross = Fraction(0)
    for index, item in enumerate(items):
        price = amounts[index] - shares[index]
        pairs = list(zip(item["taxes"], values[index]))
        net += price - sum(value for tax, value in pairs if tax["included"])
        gross += price + sum(value for tax, value in pairs if not tax["included"])
    return {
        "net": net,
        "tax": gross - net,
        "gross": gross,
        "discounts": shares,
        "breakdown": [sum(values[i][n] for i, n in rows[name]) for name in sorted(rows)],
        "items": values,
    }


RATES = ["21", "5.5", "8.875", "9.975", "0.30", "7", "0.000125", "33.333333"]


def draw_tax(rng):
    treatment = rng.choice(["standard"] * 8 + ["reduced", "luxury", "zero", "exempt"])
    rate = "0" if treatment in ("zero", "exempt") else rng.choice(RATES)
    return {
        "code": f"T{rate}",
        "authority": rng.choice(["ES", "US-NY"]),
        "kind": rng.choice(["percent", "percent", "fixed_per_unit", "division"]),
        "rate": rate,
        "included": rng.random() < 0.5,
        "treatment": treatment,
        "affects_later_taxes": rng.random() < 0.3,
        "ignores_earlier_taxes": rng.random() < 0.25,
    }


def draw(rng):
    lists = [[draw_tax(rng) for _ in range(rng.randrange(4))] for _ in range(rng.randint(1, 4))]
    cents = [rng.randint(-2_000, 10_000) for _ in range(rng.randint(1, 12))]
    items = [
        {
            "id": str(n),
            "amount": str(decimal.Decimal(amount) / 100),
            "quantity": rng.choice(["1", "2", "-3", "12", "0.345"]),
            "taxes": rng.choice(lists),
        }
        for n, amount in enumerate(cents)
    ]
    total = sum(cents)
    discounts = []
    if rng.random() < 0.3:
        amount = rng.randint(0, abs(total)) * (1 if total > 0 else -1)
        discounts = [{"amount": str(decimal.Decimal(amount) / 100)}]
    return {
        "items": items,
        "discounts": discounts,
        "rounding": {
            "method": rng.choice(["per_line", "per_unit", "per_rate", "per_total", "unrounded"]),
            "mode": rng.choice(list(MODES)),
            "precision": rng.choice(["0.01", "0.01", "1", "0.001", "0.05", "0.000001"]),
        },
    }


def compare(baskets, results):
    differences = 0
    for number, (basket, result) in enumerate(zip(baskets, results, strict=True), 1):
        basket, result = json.loads(basket), json.loads(result)
        expected = evaluate(basket)
        actual = {
            "net": Fraction(result["net"]),
            "tax": Fraction(result["tax"]),
            "gross": Fraction(result["gross"]),
            "discounts": [Fraction(item["discount"]) for item in result["items"]],
            "breakdown": [Fraction(row["amount"]) for row in result["breakdown"]],
            "items": [[Fraction(tax["amount"]) for tax in item["taxes"]] for item in result["items"]],
        }
        if actual != expected:
            differences += 1
            if differences <= 5:
                print(f"line {number}: {basket}\nexpected {expected}\ngot {actual}\n")
    print(f"{number} baskets compared, {differences} differ")
    return differences


if sys.argv[1] == "draw":
    rng = random.Random(6)
    for _ in range(int(sys.argv[2])):
        print(json.dumps(draw(rng)))
else:
    with open(sys.argv[2]) as baskets, open(sys.argv[3]) as results:
        sys.exit(compare(baskets, results) > 0)
