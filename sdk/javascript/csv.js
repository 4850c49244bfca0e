/**
 * CSV out, as RFC 4180 has it; the same bytes as the Rust SDK's writer.
 *
 * A text cell never begins with a sign that a spreadsheet takes for a formula; numbers are not touched.
 * @module
 */

import { digits } from "./decimal.js";
import { Invalid } from "./fault.js";

const DELIMITERS = "\t!#$%&()*+,/:;<=>?@[\\]^_`{|}~";

/** Writes rows of cells. */
export class Writer {
  #delimiter;
  #mark;
  #end;
  #out;
  #row = [];

  /** @param {{ delimiter?: string, decimalMark?: string, crlf?: boolean, bom?: boolean }} options */
  constructor({ delimiter = ",", decimalMark = ".", crlf = true, bom = false } = {}) {
    if (decimalMark !== "." && decimalMark !== ",") {
      throw Invalid.at("csv", "decimal_mark: has to be . or ,");
    }
    if (delimiter.length !== 1 || !DELIMITERS.includes(delimiter)) {
      throw Invalid.at("csv", "delimiter: has to be one character such as , ; | or a tab");
    }
    this.#delimiter = delimiter;
    this.#mark = decimalMark;
    this.#end = crlf ? "\r\n" : "\n";
    this.#out = bom ? "\ufeff" : "";
  }

  /** A cell of text, with `'` before a sign that would make it a formula. */
  text(text) {
    let cell = /^[=+\-@\t\r\n]/.test(text) ? "'" + text : text;
    if (/["\r\n]/.test(text) || text.includes(this.#delimiter)) {
      cell = '"' + cell.replaceAll('"', '""') + '"';
    }
    this.#row.push(cell);
    return this;
  }

  /** A cell with minor units as major ones, with the file's decimal mark. */
  amount(minor, minorDigits) {
    const cell = digits(minor, minorDigits, this.#mark);
    this.#row.push(minorDigits > 0 && this.#mark === this.#delimiter ? `"${cell}"` : cell);
    return this;
  }

  /** A cell with a decimal, with the digits it has. */
  decimal(value) {
    return this.amount(value.unscaled, value.scale);
  }

  /** A cell with a whole number. */
  integer(value) {
    return this.amount(BigInt(value), 0);
  }

  /** A cell with nothing in it. */
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

  /** Ends the file, as text. Refused where a row was begun and not ended. */
  finish() {
    if (this.#row.length > 0) throw Invalid.at("csv", "the last row was not ended");
    return this.#out;
  }
}
