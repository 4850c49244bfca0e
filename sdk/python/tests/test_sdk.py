"""Tests of the SDK: exact numbers, the same text as the Rust SDK, problems by field."""

import doctest
import importlib
import json
import pkgutil
import unittest
from types import SimpleNamespace

import galleria_sdk
from galleria_sdk import Context, Decimal, Failed, Invalid, Misconfigured, csv, money, settings, variant
from galleria_sdk.decision import json as text_of

LARGEST = (1 << 63) - 1


def load_tests(loader, tests, pattern):
    """The examples in the documentation are tests too."""
    for module in pkgutil.iter_modules(galleria_sdk.__path__):
        if module.name != "glue":  # It exists inside a component only.
            tests.addTests(doctest.DocTestSuite(importlib.import_module(f"galleria_sdk.{module.name}")))
    return tests


class Numbers(unittest.TestCase):
    def test_what_was_written_is_read(self):
        for unscaled, scale in [(0, 0), (-5, 2), (-LARGEST - 1, 18), (LARGEST, 0), (100, 2)]:
            decimal = Decimal(unscaled, scale)
            self.assertEqual(Decimal.parse(str(decimal)), decimal)

    def test_what_is_no_number_is_refused(self):
        bad = ["", "-", ".5", "5.", "1e3", "1.2.3", " 1", "1\n", "+1", "٣", "9223372036854775808", "0." + "0" * 18 + "1"]
        for text in bad:
            with self.assertRaises(Invalid, msg=text):
                Decimal.parse(text)

    def test_half_goes_away_from_zero(self):
        extended = [Decimal.parse(price).extended(Decimal(1), 2) for price in ("0.025", "-0.025", "0.0249")]
        self.assertEqual(extended, [3, -3, 2])
        self.assertEqual(str(Decimal.parse("1.005").rescale(2)), "1.01")

    def test_an_extension_is_rounded_once_and_fits(self):
        self.assertEqual(Decimal(4_999_999_999, 12).extended(Decimal(1_000_000_000, 9), 2), 0)
        for quantity in (Decimal(LARGEST), Decimal(1, 19)):
            with self.assertRaises(Invalid):
                Decimal(LARGEST).extended(quantity, 2)

    def test_parts_sum_to_the_whole(self):
        self.assertEqual(money.split(5, [50, 0, 50]), [3, 0, 2])
        for total in (LARGEST, -LARGEST, 1, 0):
            self.assertEqual(money.sum(money.split(total, [LARGEST, 1, 7])), total)
        with self.assertRaises(Invalid):
            money.split(7, [0, 0])
        with self.assertRaises(Invalid):
            money.sum([LARGEST, 1])


class Texts(unittest.TestCase):
    def test_formulas_are_guarded_and_numbers_are_not(self):
        rows = csv.Writer()
        for cell in ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "x=1", 'say "hi"', "a,b"]:
            rows.text(cell)
        rows.amount(-1, 0).decimal(Decimal(-15, 1)).end_row().text("").end_row()
        wanted = '\'=1+1,\'+1,\'-1,\'@x,\'\tx,"\'\rx",x=1,"say ""hi""","a,b",-1,-1.5\r\n""\r\n'
        self.assertEqual(rows.finish().decode(), wanted)

    def test_a_decimal_comma_that_is_the_delimiter_is_quoted(self):
        rows = csv.Writer(decimal_mark=",", bom=True, crlf=False).amount(150, 2).integer(7).empty().end_row()
        self.assertEqual(rows.finish().decode(), '\ufeff"1,50",7,\n')
        for delimiter in ['"', "x", "\n", "é", "0", "-", ".", "", ",;"]:
            with self.assertRaises(Invalid, msg=delimiter):
                csv.Writer(delimiter=delimiter)

    def test_json_has_no_floating_point(self):
        self.assertEqual(text_of({"b": [LARGEST, None, True], "a": "é\u2028\x01"}), f'{{"b":[{LARGEST},null,true],"a":"é\u2028\\u0001"}}')
        with self.assertRaises(Failed):
            text_of({"deep": [{"price": 1.5}]})


class Settings(unittest.TestCase):
    FIELDS = settings.Fields(
        topic=settings.text(),
        mark=settings.text(",", allowed=[",", "."]),
        wait_s=settings.integer(30, least=1, most=60),
        rate=settings.decimal("0.5"),
        strict=settings.boolean(False),
    )

    def test_defaults_stand_in(self):
        values, problems = self.FIELDS.read('{"topic":"t"}')
        self.assertEqual((problems, values.wait_s, values.rate), ([], 30, Decimal(5, 1)))

    def test_all_problems_come_together(self):
        given = {"mark": ";", "wait_s": True, "rate": 0.5, "strict": 1, "topik": "t"}
        _, problems = self.FIELDS.read(json.dumps(given))
        self.assertEqual([each.field for each in problems], ["topik", "topic", "mark", "wait_s", "rate", "strict"])
        for text in ("nonsense", "[]"):
            self.assertEqual(self.FIELDS.read(text)[1][0].field, "settings")


class Calls(unittest.TestCase):
    def test_a_case_has_the_name_of_the_contract(self):
        case = type("LineKind_GiftCardSale", (), {"value": "6006***"})
        self.assertEqual(variant(case()), ("gift-card-sale", "6006***"))
        self.assertEqual(variant(type("Origin_None_", (), {})()), ("none", None))

    def test_a_run_over_a_retailer_has_no_store(self):
        scope = type("Scope_Retailer", (), {"value": "corner-shop"})()
        raw = SimpleNamespace(
            event_id="e", attempt=1, occurred_at="", business_date="", prior=[], counters=[], scope=scope
        )
        cx = Context(raw, None)
        self.assertEqual(cx.retailer, "corner-shop")
        with self.assertRaises(Invalid):
            cx.store
        with self.assertRaises(Misconfigured):
            cx.counter("file-number")


if __name__ == "__main__":
    unittest.main()
