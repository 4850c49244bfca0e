// Tests of the SDK: exact numbers, the same text as the Rust SDK, problems by field.

import assert from "node:assert/strict";
import test from "node:test";
import { Context, Decimal, Decision, Failed, Invalid, Misconfigured, csv, json, log, money, settings } from "../index.js";
import { report } from "../crash.js";
import { checker, react } from "../glue.js";

const LARGEST = (1n << 63n) - 1n;

test("what was written is read", () => {
  for (const [unscaled, scale] of [[0n, 0], [-5n, 2], [-LARGEST - 1n, 18], [LARGEST, 0], [100n, 2]]) {
    const decimal = new Decimal(unscaled, scale);
    assert.deepEqual(Decimal.parse(String(decimal)), decimal);
  }
});

test("what is not a number is refused", () => {
  const bad = ["", "-", ".5", "5.", "1e3", "1.2.3", " 1", "1\n", "+1", "٣", "9223372036854775808", "0." + "0".repeat(18) + "1"];
  for (const text of bad) assert.throws(() => Decimal.parse(text), Invalid, text);
});

test("half goes away from zero", () => {
  const extended = ["0.025", "-0.025", "0.0249"].map((price) => Decimal.parse(price).extended(new Decimal(1n), 2));
  assert.deepEqual(extended, [3n, -3n, 2n]);
  assert.equal(String(Decimal.parse("1.005").rescale(2)), "1.01");
  assert.equal(String(Decimal.parse("1.5").plus(Decimal.parse("0.125"))), "1.625");
  assert.deepEqual(Decimal.parse("1.10").times(Decimal.parse("20")), new Decimal(22n));
});

test("an extension is rounded once and fits", () => {
  assert.equal(new Decimal(4_999_999_999n, 12).extended(new Decimal(1_000_000_000n, 9), 2), 0n);
  for (const quantity of [new Decimal(LARGEST), new Decimal(1n, 19)]) {
    assert.throws(() => new Decimal(LARGEST).extended(quantity, 2), Invalid);
  }
});

test("parts sum to the whole", () => {
  assert.deepEqual(money.split(100n, [1n, 1n, 1n]), [34n, 33n, 33n]);
  assert.deepEqual(money.split(-100n, [1n, 1n, 1n]), [-34n, -33n, -33n]);
  assert.deepEqual(money.split(5n, [50n, 0n, 50n]), [3n, 0n, 2n]);
  for (const total of [LARGEST, -LARGEST, 1n, 0n]) {
    assert.equal(money.sum(money.split(total, [LARGEST, 1n, 7n])), total);
  }
  assert.throws(() => money.split(7n, [0n, 0n]), Invalid);
  assert.throws(() => money.sum([LARGEST, 1n]), Invalid);
  assert.equal(money.format(-5n, 2), "-0.05");
});

test("formulas are guarded and numbers are not", () => {
  const rows = new csv.Writer();
  for (const cell of ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "x=1", "'=1", "'n", 'say "hi"', "a,b"]) rows.text(cell);
  rows.amount(-1n, 0).decimal(new Decimal(-15n, 1)).endRow().text("").endRow();
  const wanted = `'=1+1,'+1,'-1,'@x,'\tx,"'\rx",x=1,''=1,'n,"say ""hi""","a,b",-1,-1.5\r\n""\r\n`;
  assert.equal(rows.finish(), wanted);
  assert.equal(new csv.Writer({ guard: false }).text("=1").text("-").endRow().finish(), "=1,-\r\n");
});

test("a decimal comma that is the delimiter is quoted", () => {
  const rows = new csv.Writer({ decimalMark: ",", bom: true, crlf: false });
  assert.equal(rows.amount(150n, 2).integer(7).empty().endRow().finish(), '\ufeff"1,50",7,\n');
  for (const delimiter of ['"', "x", "\n", "é", "0", "-", ".", "", ",;"]) {
    assert.throws(() => new csv.Writer({ delimiter }), Invalid, delimiter);
  }
});

test("JSON writes money and refuses floating point", () => {
  const value = { b: [LARGEST, null, undefined, true, 7], a: "é\u2028\x01" };
  assert.equal(json(value), `{"b":[${LARGEST},null,null,true,7],"a":"é\u2028\\u0001"}`);
  assert.throws(() => json({ deep: [{ price: 1.5 }] }), Failed);
  const decision = new Decision().publish("t", undefined, { gross: 1n }).document("d", "n", "text/plain", "é");
  assert.equal(decision.publications[0].data, '{"gross":1}');
  assert.deepEqual([...decision.documents[0].body], [0xc3, 0xa9]);
});

/** Calls a plugin's function with an argument as the component tool passes it, and returns the result. */
function handled(argument, decide) {
  let result;
  const point = react({}, (_, sale) => {
    result = decide(sale);
    return new Decision();
  });
  point.handle({ settings: "{}" }, argument);
  return result;
}

const sold = () => ({
  gross: 1299n,
  code: new Uint8Array([1]),
  member: undefined,
  lines: [{
    quantity: { unscaled: 1250n, scale: 3 },
    kind: { tag: "gift-card-sale", val: "6006***" },
    age: { outcome: "passed" },
    discounts: [{ percent: { unscaled: -5n, scale: 1 } }],
  }, { quantity: { unscaled: 2n, scale: 0 }, kind: { tag: "item", val: undefined } }],
});

test("decimals and variants of an argument are their values as text", () => {
  handled(sold(), ({ gross, lines: [line, other] }) => {
    const { quantity, kind } = line;
    const texts = [String(quantity), `${quantity}`, quantity.toString(), "" + quantity, [quantity].join(), quantity.toLocaleString()];
    assert.deepEqual(texts, Array(6).fill("1.250"));
    assert.equal(JSON.stringify({ quantity, gross, kind }), '{"quantity":"1.250","gross":1299,"kind":"gift-card-sale(6006***)"}');
    assert.equal(`${kind} ${other.kind} ${other.quantity} ${line.discounts[0].percent}`, "gift-card-sale(6006***) item 2 -0.5");
    assert.deepEqual([kind.tag, kind.val, line.age.outcome], ["gift-card-sale", "6006***", "passed"]);
    assert.ok(quantity instanceof Decimal);
    assert.equal(String(quantity.plus(Decimal.of(other.quantity))), "3.250");
  });
});

test("decimals compare by value, and never as texts or floating point", () => {
  const [nine, ten, price] = ["9", "10", "9.50"].map(Decimal.parse);
  assert.deepEqual([nine.compare(ten), ten.compare(nine), price.compare(Decimal.parse("9.5"))], [-1, 1, 0]);
  assert.ok(price.equals(Decimal.parse("9.5")) && !nine.equals(ten));
  assert.deepEqual([ten, price, nine].sort((one, two) => one.compare(two)), [nine, price, ten]);
  assert.equal(String(ten.minus(price)), "0.50");
  for (const wrong of [() => nine < ten, () => ten - nine, () => Number(ten), () => +ten, () => BigInt(ten), () => Math.max(ten)]) {
    assert.throws(wrong, TypeError);
  }
});

test("the SDK writes values everywhere", () => {
  const price = new Decimal(1250n, 3);
  handled(sold(), ({ lines: [{ kind, age }] }) => {
    const values = { price, gross: 1299n, kind, age: age.outcome };
    const wanted = { price: "1.250", gross: "1299", kind: "gift-card-sale(6006***)", age: "passed" };
    const pairs = Object.entries(wanted).map(([name, value]) => ({ name, value }));
    const decision = new Decision()
      .request({ id: "1", target: "erp", method: "POST", path: "/", headers: values, body: price })
      .receipt("t", "en", values);
    for (const [name, value] of Object.entries(values)) decision.note(name, value);
    assert.deepEqual([decision.requests[0].headers, decision.receipts[0].attributes, decision.notes], [pairs, pairs, pairs]);
    assert.equal(new TextDecoder().decode(decision.requests[0].body), "1.250");
    log.info("sold", values);
    assert.deepEqual(log.written.pop().fields, Object.entries(wanted));
    assert.equal(json(values), '{"price":"1.250","gross":1299,"kind":"gift-card-sale(6006***)","age":"passed"}');
    const rows = new csv.Writer({ delimiter: ";", decimalMark: "," });
    rows.text(price.negated()).text(-5n).text(kind).text(undefined).endRow();
    assert.equal(rows.finish(), "-1,250;-5;gift-card-sale(6006***);\r\n");
  });
  for (const [value, wanted] of [[undefined, ""], [null, ""], [true, "true"], [7, "7"], [new Date(0), "1970-01-01T00:00:00.000Z"]]) {
    assert.equal(new Decision().note("n", value).notes[0].value, wanted);
  }
});

test("an object without a text is an error", () => {
  for (const value of [{}, [new Decimal(1n)], { gross: 1n }, () => 1, Symbol("s")]) {
    for (const write of [
      () => new Decision().note("n", value),
      () => new Decision().document("d", "n", "text/plain", value),
      () => log.info("m", { field: value }),
      () => new csv.Writer().text(value),
    ]) {
      assert.throws(write, Failed);
    }
  }
  for (const bad of [12.5, new Decimal(1n), "12", undefined]) {
    assert.throws(() => money.format(bad, 2), TypeError);
    assert.throws(() => new csv.Writer().amount(bad, 2), TypeError);
  }
  assert.throws(() => money.sum([1n, 0.5]), TypeError);
});

const SETTINGS = settings.fields({
  topic: settings.text(),
  mark: settings.text({ default: ",", allowed: [",", "."] }),
  wait_s: settings.integer({ default: 30, least: 1, most: 60 }),
  rate: settings.decimal({ default: "0.5" }),
  strict: settings.boolean({ default: false }),
});

test("defaults stand in", () => {
  const { values, problems } = SETTINGS.read('{"topic":"t"}');
  assert.deepEqual([problems, values.wait_s, values.rate], [[], 30, new Decimal(5n, 1)]);
});

test("all problems come together", () => {
  const given = { mark: ";", wait_s: true, rate: 0.5, strict: 1, topik: "t" };
  const fields = (text) => SETTINGS.read(text).problems.map((each) => each.field);
  assert.deepEqual(fields(JSON.stringify(given)), ["topik", "topic", "mark", "wait_s", "rate", "strict"]);
  assert.deepEqual([fields("nonsense"), fields("[]")], [["settings"], ["settings"]]);
});

const RAW = { settings: '{"topic":"t"}', counters: [{ name: "file-number", value: 7n }] };

test("a call has typed settings, and wrong ones end it", () => {
  const plugin = { SETTINGS };
  const point = react(plugin, (cx, sale) => new Decision().note(cx.settings.topic, sale));
  assert.deepEqual(point.handle(RAW, "sale").notes, [{ name: "t", value: "sale" }]);
  const wrong = (error) => error.payload.tag === "misconfigured" && error.payload.val[0].field === "topic";
  assert.throws(() => point.handle({ ...RAW, settings: "{}" }, "sale"), wrong);
  assert.throws(() => react(plugin, undefined), TypeError);
  assert.deepEqual(checker(plugin).check('{"topic":"t"}', []), []);
});

test("only a decision is returned", () => {
  const results = [undefined, null, {}, Promise.resolve(new Decision())];
  for (const result of results) {
    const point = react({}, function onPayment() {
      return result;
    });
    const wrong = { name: "TypeError", message: "onPayment must return a Decision" };
    assert.throws(() => point.handle({ settings: "{}" }, "sale"), wrong);
  }
});

test("the report of an exception has its text and places, and is short", () => {
  const frame = (number) => `f${number}@plugins/a/plugin.js:${number}:7`;
  const stack = [...Array(100).keys()].map(frame);
  stack.splice(1, 0, "export_onPayment@/tmp/x/sources/initializer.js:1:2", "/<@plugin.js:5:6", "@plugin.js:8:9");
  const lines = report({ stack: stack.join("\n"), toString: () => "RangeError: no\0thing" }).split("\n");
  const places = [
    "  at f0 (plugins/a/plugin.js:0:7)",
    "  at /< (plugin.js:5:6)",
    "  at a function without a name (plugin.js:8:9)",
    "  at f1 (plugins/a/plugin.js:1:7)",
  ];
  assert.deepEqual(lines.slice(0, 5), ["RangeError: no\ufffdthing", ...places]);
  assert.equal(lines.length, 9);
  assert.ok(report({ stack: "", toString: () => "é\n".repeat(9_999) }).length < 500);
  for (const thrown of ["text", 7n, null, undefined, Symbol("s")]) assert.equal(report(thrown), String(thrown));
  assert.equal(report(Object.create(null)), "a thrown value of type object");
});

test("a run over a retailer has no store", () => {
  const cx = new Context({ ...RAW, scope: { tag: "retailer", val: "corner-shop" } }, {});
  assert.equal(cx.retailer, "corner-shop");
  assert.equal(cx.counter("file-number"), 7n);
  assert.throws(() => cx.store, Invalid);
  assert.throws(() => cx.counter("other"), Misconfigured);
});
