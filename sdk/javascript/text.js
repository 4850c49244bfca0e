/**
 * Texts of values, for all places where the SDK writes one: notes, headers, log fields, cells.
 * @module
 */

import { Decimal } from "./decimal.js";
import { Failed } from "./fault.js";

/** A variant of the contract. Its text is its case, with its content if that is text: `other(bag)`. */
export class Variant {
  toString() {
    return typeof this.val === "string" ? `${this.tag}(${this.val})` : this.tag;
  }

  toJSON() {
    return this.toString();
  }
}

/**
 * Returns the text of a value; an absent value is empty. An object without a text is an error, because
 * `[object Object]` would land in a file.
 */
export function text(value) {
  switch (typeof value) {
    case "string":
      return value;
    case "undefined":
      return "";
    case "bigint":
    case "boolean":
    case "number":
      return String(value);
  }
  if (value === null) return "";
  if (value instanceof Decimal || value instanceof Variant) return value.toString();
  if (value instanceof Date) return value.toISOString();
  throw new Failed(`a value of type ${typeof value} has no text: write one of its fields, or a number or string`);
}

/** Gives the decimals and variants in an argument their texts, and returns the argument. */
export function withTexts(value) {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (typeof value.unscaled === "bigint" && typeof value.scale === "number") {
    return Object.setPrototypeOf(value, Decimal.prototype);
  }
  for (const member of Object.values(value)) withTexts(member);
  const variant = typeof value.tag === "string" && Object.keys(value).every((key) => key === "tag" || key === "val");
  return variant ? Object.setPrototypeOf(value, Variant.prototype) : value;
}

// `JSON.stringify` rejects BigInt, and money is one.
Object.defineProperty(BigInt.prototype, "toJSON", {
  configurable: true,
  writable: true,
  value: function toJSON() {
    if (JSON.rawJSON) return JSON.rawJSON(this.toString());
    const number = Number(this);
    if (Number.isSafeInteger(number)) return number;
    throw new Failed("an integer above 2^53 cannot be written by JSON.stringify: use json of the SDK");
  },
});
