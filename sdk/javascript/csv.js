/**
 * Writes CSV by RFC 4180, with the same bytes as the Rust SDK.
 *
 * A `'` precedes a text cell that a spreadsheet would read as a formula. Numbers are unchanged.
 * @module
 */

import { Decimal, digits } from "./decimal.js";
import { Invalid } from "./fault.js";
import { text as textOf } from "./text.js";

const DELIMITERS = "\t!#$%&()*+,/:;<=>?@[\\]^_`{|}~";

/** Writes rows of cells. */
export class Writer {
  #delimiter;
  #mark;
  #end;
  #guard;
  #out;
  #row = [];

  /** @param {{ delimiter?: string, decimalMark?: string, crlf?: boolean, bom?: boolean, guard?: boolean }} options */
  constructor({ delimiter = ",", decimalMark = ".", crlf = true, bom = false, guard = true } = {}) {
    if (decimalMark !== "." && decimalMark !== ",") {
      throw Invalid.at("csv", "decimal_mark: must be . or ,");
    }
    if (delimiter.length !== 1 || !DELIMITERS.includes(delimiter)) {
      throw Invalid.at("csv", "delimiter: must be one character such as , ; | or a tab");
    }
    this.#delimiter = delimiter;
    this.#mark = decimalMark;
    this.#guard = guard;
    this.#end = crlf ? "\r\n" : "\n";
    this.#out = bom ? "\ufeff" : "";
  }

  /**
   * Writes a text cell, with `'` before a formula, unless `guard` is false. Other `'` may precede the formula. A
   * number becomes a number, without the `'`.
   */
  text(value) {
    if (value instanceof Decimal) return this.decimal(value);
    if (typeof value === "bigint") return this.integer(value);
    const text = textOf(value);
    let cell = this.#guard && /^'*[=+\-@\t\r\n]/.test(text) ? "'" + text : text;
    if (/["\r\n]/.test(text) || text.includes(this.#delimiter)) {
      cell = '"' + cell.replaceAll('"', '""') + '"';
    }
    this.#row.push(cell);
    return this;
  }

  /** Writes minor units as major units, with the file's decimal mark. */
  amount(minor, minorDigits) {
    const cell = digits(minor, minorDigits, this.#mark);
    this.#row.push(minorDigits > 0 && this.#mark === this.#delimiter ? `"${cell}"` : cell);
    return this;
  }

  /** Writes a decimal with all its digits. */
  decimal(value) {
    return this.amount(value.unscaled, value.scale);
  }

  /** Writes an integer. */
  integer(value) {
    return this.amount(BigInt(value), 0);
  }

  /** Writes an empty cell. */
  empty() {
    this.#row.push("");
    return this;
  }

  /** Ends the row. */
  endRow() {
    // A row of one empty cell would be an empty line, which readers skip.
    const single = this.#row.length === 1 && this.#row[0] === "";
    this.#out += (single ? '""' : this.#row.join(this.#delimiter)) + this.#end;
    this.#row = [];
    return this;
  }

  /** Ends the file and returns its text. Fails if a row was not ended. */
  finish() {
    if (this.#row.length > 0) throw Invalid.at("csv", "the last row was not ended");
    return this.#out;
  }
}
