/**
 * Writes one CSV and publishes one event for each sale of a corner shop. Decides the same as
 * `corner-shop-rust`.
 * @module
 */

import {
  Decimal,
  Decision,
  Invalid,
  Retry,
  csv,
  log,
  money,
  problem,
  settings,
} from "../../sdk/javascript/index.js";

export const SETTINGS = settings.fields({
  topic: settings.text(),
  file_name: settings.text({ default: "{store}-{date}-{workstation}-{sequence}.csv" }),
  delimiter: settings.text({ default: ";", allowed: [";", ",", "|", "\t"] }),
  decimal_mark: settings.text({ default: ",", allowed: [",", "."] }),
  points_per_unit: settings.decimal({ default: "0" }),
  provider_wait_s: settings.integer({ default: 30, least: 1, most: 3600 }),
  training: settings.text({ default: "skip", allowed: ["skip", "write"] }),
});

const COLUMNS = "row;kind;code;description;quantity;unit;price;discount;tax;amount;currency".split(";");

/** Returns the problems of settings with valid types. */
export function check(values) {
  const problems = [];
  for (const piece of ["{workstation}", "{sequence}"]) {
    if (!values.file_name.includes(piece)) {
      problems.push(problem("file_name", `must contain ${piece}, or two sales share a name`));
    }
  }
  if (/[{}]/.test(fileName(values.file_name, "", "", "", ""))) {
    problems.push(problem("file_name", "may contain only {store}, {date}, {workstation} and {sequence}"));
  }
  if (values.delimiter === values.decimal_mark) {
    problems.push(problem("decimal_mark", "must differ from the delimiter"));
  }
  return problems;
}

export function onPayment(cx, sale) {
  const store = cx.store;
  if (sale.entry.training && cx.settings.training === "skip") {
    return new Decision().note("skipped", "training");
  }
  refuseWhatCannotBe(store, sale);
  waitForTheProvider(cx, sale);
  assertNumbersDiffer(sale);
  const counted = sale.lines.filter((line) => !line.voided);
  const leftOut = sale.lines.length - counted.length;
  const name = fileName(
    cx.settings.file_name,
    store.externalId,
    cx.businessDate.replaceAll("-", ""),
    sale.entry.workstation,
    String(sale.entry.sequence).padStart(6, "0"),
  );
  const decision = new Decision()
    .document("transaction_logs", name, "text/csv", document(cx, store, sale, counted))
    .publish(cx.settings.topic, sale.entry.orderId, event(cx, store, sale, counted))
    .note("lines", counted.length);
  for (const line of counted) {
    decision.note(`line ${line.number}`, `${line.quantity} ${line.unit} at ${line.unitPrice}, ${line.kind}`);
    if (line.age) decision.note(`age of line ${line.number}`, line.age.outcome);
  }
  if (leftOut > 0) {
    log.info("voided lines left out", { lines: leftOut });
    decision.note("left-out", leftOut);
  }
  return decision;
}

function refuseWhatCannotBe(store, sale) {
  const problems = [];
  if (sale.entry.currency !== store.currency) {
    const message = `is ${sale.entry.currency}, but the store's currency is ${store.currency}`;
    problems.push(problem("entry.currency", message));
  }
  if (sale.lines.length === 0) {
    problems.push(problem("lines", "a sale has at least one line"));
  }
  for (const line of sale.lines) {
    if (line.quantity.unscaled <= 0n) {
      problems.push(problem(`lines.${line.number}.quantity`, "must be greater than 0"));
    }
  }
  if (problems.length > 0) throw new Invalid(problems);
}

/** The provider's reference of a card payment may arrive shortly after the payment. */
function waitForTheProvider(cx, sale) {
  for (const tender of sale.tenders) {
    const provided = tender.kind === "card" || tender.kind === "wallet";
    if (provided && tender.pspReference === undefined) {
      const reason = `tender ${tender.number} has no reference of its provider yet`;
      throw new Retry(reason, cx.settings.provider_wait_s);
    }
  }
}

/** The host accepts no other sale, so this is a crash, not a fault. */
function assertNumbersDiffer(sale) {
  const seen = new Map();
  for (const line of sale.lines) {
    const other = seen.get(line.number);
    if (other) throw new Error(`two lines have the number ${line.number}: ${other.description}, ${line.description}`);
    seen.set(line.number, line);
  }
}

/** Fills the pattern. Characters other than letters, digits, `.`, `_` and `-` become `-`. */
function fileName(pattern, store, date, workstation, sequence) {
  const parts = { "{store}": store, "{date}": date, "{workstation}": workstation, "{sequence}": sequence };
  for (const [piece, value] of Object.entries(parts)) {
    // With `u`, one character outside the basic plane becomes one `-`, as in the other languages.
    pattern = pattern.replaceAll(piece, value.replace(/[^A-Za-z0-9._-]/gu, "-"));
  }
  return pattern;
}

function document(cx, store, sale, counted) {
  const digits = store.minorDigits;
  const currency = sale.entry.currency;
  const { delimiter, decimal_mark: decimalMark } = cx.settings;
  const rows = new csv.Writer({ delimiter, decimalMark });
  for (const column of COLUMNS) rows.text(column);
  rows.endRow();
  for (const line of counted) {
    const sign = signOf(line);
    rows.integer(line.number).text(line.kind.tag).text(line.sku).text(line.description);
    rows.decimal(signed(sign, line.quantity)).text(line.unit).decimal(Decimal.of(line.unitPrice));
    rows.amount(money.sum(line.discounts.map((discount) => discount.amount)), digits);
    rows.amount(money.sum(line.taxes.map((tax) => sign * tax.amount)), digits);
    rows.amount(sign * line.amount, digits).text(currency).endRow();
  }
  for (const tender of sale.tenders) {
    rows.integer(tender.number).text("tender").text(tender.kind).text(tender.scheme ?? "");
    if (tender.foreign === undefined) {
      rows.empty().empty().empty();
    } else {
      rows.integer(tender.foreign.amount).text(tender.foreign.currency);
      rows.decimal(Decimal.of(tender.foreign.rate));
    }
    rows.empty().empty().amount(tender.amount, digits).text(currency).endRow();
  }
  const total = money.sum([sale.gross, sale.rounding]);
  rows.empty().text("total").text(sale.entry.receipt);
  rows.text(sale.member?.id ?? "").empty().empty().empty().empty();
  rows.amount(money.sum(sale.taxes.map((tax) => tax.amount)), digits);
  return rows.amount(total, digits).text(currency).endRow().finish();
}

function event(cx, store, sale, counted) {
  const entry = sale.entry;
  const pieces = counted
    .filter((line) => line.unit === "EA")
    .reduce((sum, line) => sum.plus(signed(signOf(line), line.quantity)), new Decimal(0n));
  const gross = new Decimal(sale.gross, store.minorDigits);
  return {
    store: store.externalId,
    workstation: entry.workstation,
    sequence: entry.sequence,
    receipt: entry.receipt,
    business_date: cx.businessDate,
    ended_at: entry.endedAt,
    member: sale.member?.id,
    currency: entry.currency,
    net: sale.net,
    gross: sale.gross,
    rounding: sale.rounding,
    pieces: String(pieces.trimmed()),
    points: gross.extended(cx.settings.points_per_unit, 0),
    taxes: sale.taxes.map((tax) => ({
      code: tax.code,
      rate: String(Decimal.of(tax.rate).trimmed()),
      amount: tax.amount,
    })),
  };
}

/** Returns -1 if the line reduces the total. */
function signOf(line) {
  return line.returned || line.kind.tag === "deposit-return" ? -1n : 1n;
}

function signed(sign, quantity) {
  return sign > 0n ? Decimal.of(quantity) : Decimal.of(quantity).negated();
}
