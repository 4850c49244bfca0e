"""Tests of the SDK: exact numbers, the same text as the Rust SDK, problems by field."""

import doctest
import importlib
import json
import pkgutil
import unittest
from datetime import date
from enum import Enum
from types import SimpleNamespace

import galleria_sdk
from galleria_sdk import Context, Decimal, Decision, Failed, Invalid, Misconfigured, crash, csv, log, money, settings, variant
from galleria_sdk.decision import json as text_of
from galleria_sdk.text import name_cases

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
        for cell in ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "x=1", "'=1", "'n", 'say "hi"', "a,b"]:
            rows.text(cell)
        rows.amount(-1, 0).decimal(Decimal(-15, 1)).end_row().text("").end_row()
        wanted = '\'=1+1,\'+1,\'-1,\'@x,\'\tx,"\'\rx",x=1,\'\'=1,\'n,"say ""hi""","a,b",-1,-1.5\r\n""\r\n'
        self.assertEqual(rows.finish().decode(), wanted)
        self.assertEqual(csv.Writer(guard=False).text("=1").text("-").end_row().finish(), b"=1,-\r\n")

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


class LineKind_GiftCardSale:
    value = "6006***"


class LineKind_Item:
    pass


class AgeOutcome(Enum):
    PASSED = 1


class Line:
    """A record, which has no text."""


class Values(unittest.TestCase):
    """Values turned into text, in every way that Python has."""

    PRICE = Decimal(1250, 3)

    def test_a_decimal_is_its_value(self):
        price = self.PRICE
        for text in (str(price), f"{price}", format(price), "{}".format(price), "%s" % price, "".join([str(price)])):
            self.assertEqual(text, "1.250")
        self.assertEqual(f"{[price]} {price!r}", "[Decimal('1.250')] Decimal('1.250')")
        self.assertEqual((f"{price:>7}", f"{price:<7}|", f"{price:+}", f"{price:s}"), ("  1.250", "1.250  |", "+1.250", "1.250"))
        self.assertEqual((f"{price:.2f}", f"{-5:.1f}", f"{Decimal(-125, 2):.1f}", f"{Decimal(1, 18)}"), ("1.25", "-5.0", "-1.3", "0." + "0" * 17 + "1"))
        self.assertEqual((f"{Decimal(LARGEST):,}", f"{Decimal(1, 9):10}"), ("9,223,372,036,854,775,807", "0.000000001"))
        with self.assertRaises(TypeError):
            "price: " + price
        with self.assertRaises(TypeError):
            json.dumps({"price": price})
        for kind in ("%d", "%f"):
            with self.assertRaises(TypeError):
                kind % price

    def test_decimals_compare_by_value(self):
        self.assertEqual(Decimal(150, 2), Decimal(15, 1))
        self.assertEqual(Decimal(300, 2), 3)
        self.assertEqual(len({Decimal(150, 2), Decimal(15, 1), Decimal(3), 3}), 2)
        self.assertNotEqual(Decimal(3), "3")
        self.assertNotEqual(Decimal(3), None)
        self.assertTrue(Decimal(9) < Decimal(10) <= Decimal(100, 1) and Decimal(-1, 2) < 0 and Decimal(10) > Decimal(9))
        self.assertEqual(max(Decimal(9), Decimal(10), Decimal(95, 1)), Decimal(10))
        self.assertFalse(Decimal(0, 2))
        with self.assertRaises(TypeError):
            Decimal(3) < 3.5
        self.assertEqual(str(Decimal(150, 2).minus(Decimal(15, 1))), "0.00")

    def test_the_sdk_writes_values_everywhere(self):
        values = {"price": self.PRICE, "gross": 1299, "kind": LineKind_GiftCardSale(), "age": AgeOutcome.PASSED}
        wanted = {"price": "1.250", "gross": "1299", "kind": "gift-card-sale(6006***)", "age": "passed"}
        decision = Decision().request("1", "erp", "POST", "/", headers=values, body=self.PRICE).receipt("t", "en", values)
        for name, value in values.items():
            decision.note(name, value)
        pairs = [{"name": name, "value": value} for name, value in wanted.items()]
        self.assertEqual((decision.requests[0]["headers"], decision.notes), (pairs, pairs))
        self.assertEqual((decision.receipts[0]["attributes"], decision.requests[0]["body"]), (pairs, b"1.250"))
        log.info("sold", **values)
        self.assertEqual(log.written.pop()[2], list(wanted.items()))
        self.assertEqual(text_of(values), '{"price":"1.250","gross":1299,"kind":"gift-card-sale(6006***)","age":"passed"}')
        rows = csv.Writer(delimiter=";", decimal_mark=",")
        rows.text(self.PRICE.negated()).text(-5).text(LineKind_Item()).text(AgeOutcome.PASSED).text(None).end_row()
        self.assertEqual(rows.finish(), b"-1,250;-5;item;passed;\r\n")
        self.assertEqual(Decision().document("d", "n", "text/plain", 5).documents[0]["body"], b"5")
        self.assertEqual(Decision().publish("t", 7, {}).publications[0]["key"], "7")
        for value, wanted in [(None, ""), (True, "true"), (date(2026, 11, 24), "2026-11-24")]:
            self.assertEqual(Decision().note("n", value).notes[0]["value"], wanted)

    def test_an_object_without_a_text_is_an_error(self):
        for value in (Line(), [self.PRICE], {"price": 1}, object()):
            for write in (lambda: Decision().note("n", value), lambda: log.info("m", field=value), lambda: csv.Writer().text(value)):
                with self.assertRaises(Failed, msg=repr(value)):
                    write()
        with self.assertRaises(Failed):
            text_of({"line": Line()})
        for bad in (12.5, self.PRICE, "12", True):
            with self.assertRaises(TypeError):
                money.format(bad, 2)
            with self.assertRaises(TypeError):
                csv.Writer().amount(bad, 2)
        with self.assertRaises(TypeError):
            money.sum([1, 0.5])

    def test_cases_of_a_component_have_their_texts(self):
        kinds = type("LineKind_Other", (), {"value": "bag", "__module__": "types_of_a_component"})
        outcome = Enum("AgeOutcome", "PENDING PASSED", module="types_of_a_component")
        name_cases(SimpleNamespace(__name__="types_of_a_component", LineKind_Other=kinds, AgeOutcome=outcome, name="x"))
        self.assertEqual(f"{kinds()} {kinds():>12} {outcome.PASSED} {outcome.PENDING:>8}", "other(bag)   other(bag) passed  pending")
        self.assertEqual(str(outcome.PASSED), "passed")


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

    def test_the_report_of_an_exception_has_its_text_and_places_and_is_short(self):
        def deeper(levels, text):
            return deeper(levels - 1, text) if levels else {}[text]

        for text in ("gift-card", "\u00e4" * 99_999):
            try:
                deeper(100, text)
            except KeyError as error:
                report = crash.report(error)
            self.assertIn(", in deeper\n", report)
            self.assertIn("KeyError: '" + text[:9], report)
            self.assertLessEqual(report.count("in deeper"), crash.FRAMES)
            self.assertLess(len(report), 3_000)


if __name__ == "__main__":
    unittest.main()
