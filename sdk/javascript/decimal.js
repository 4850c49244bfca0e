/**
 * Exact decimals of the contract: a `BigInt` and a scale, without floating point.
 *
 * Every result must fit the contract (64 bits, 18 digits after the decimal point). Otherwise the operation
 * fails with `Invalid`, as in the Rust SDK.
 * @module
 */

import { Invalid } from "./fault.js";

const MAX_SCALE = 18;
const TEXT = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;

/** Returns an integer if it fits into 64 bits with sign, otherwise fails. */
export function narrow(what, value) {
  if (typeof value !== "bigint") throw new TypeError(`must be a BigInt, such as money in minor units, got ${typeof value}`);
  if (BigInt.asIntN(64, value) !== value) throw Invalid.at(what, "is too large");
  return value;
}

/** Divides and rounds half away from zero. `by` is positive. */
export function divide(value, by) {
  const size = value < 0n ? -value : value;
  const whole = size / by + ((size % by) * 2n >= by ? 1n : 0n);
  return value < 0n ? -whole : whole;
}

/** Formats `unscaled × 10^-scale`, with `mark` as the decimal mark. */
export function digits(unscaled, scale, mark = ".") {
  if (typeof unscaled !== "bigint" && !Number.isSafeInteger(unscaled)) {
    throw new TypeError(`must be an integer, such as money in minor units, got ${typeof unscaled}`);
  }
  let text = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  if (scale > 0) text = text.slice(0, -scale) + mark + text.slice(-scale);
  return unscaled < 0n ? "-" + text : text;
}

function power(scale) {
  if (!(scale >= 0 && scale <= MAX_SCALE)) throw Invalid.at("scale", "must be 0 to 18");
  return 10n ** BigInt(scale);
}

/**
 * `unscaled × 10^-scale`. Its text is its value with all digits: `${line.quantity}` is `1.250`.
 *
 * `<`, `-` and `Number(..)` fail, because they would work on texts or floating-point numbers: use `compare`,
 * `plus`, `minus` and `times`. `===` compares objects: use `equals`.
 */
export class Decimal {
  /**
   * @param {bigint} unscaled
   * @param {number} scale 0 to 18
   */
  constructor(unscaled, scale = 0) {
    this.unscaled = unscaled;
    this.scale = scale;
  }

  /** Converts a field of an argument, such as `line.quantity`. */
  static of(record) {
    return new Decimal(record.unscaled, record.scale);
  }

  /** Parses `-12.50`: no exponent, no grouping, no blanks. */
  static parse(text) {
    const found = TEXT.exec(text);
    const fraction = found?.[3] ?? "";
    if (found === null || text.length > 39 || fraction.length > MAX_SCALE) {
      throw Invalid.at("number", `\`${text}\` is not a decimal such as -12.50`);
    }
    const value = BigInt(found[2] + fraction);
    return new Decimal(narrow("number", found[1] ? -value : value), fraction.length);
  }

  toString() {
    return digits(this.unscaled, this.scale);
  }

  toJSON() {
    return this.toString();
  }

  [Symbol.toPrimitive](hint) {
    if (hint !== "number") return this.toString();
    throw new TypeError("a decimal is not a number of JavaScript: use compare, plus, minus and times");
  }

  /** Returns -1, 0 or 1 if the value is less than, equal to or greater than the other. */
  compare(other) {
    const scale = Math.max(this.scale, other.scale);
    const [one, two] = [aligned(this, scale), aligned(other, scale)];
    return Number(one > two) - Number(one < two);
  }

  /** Whether the values are equal: 1.50 equals 1.5. */
  equals(other) {
    return this.compare(other) === 0;
  }

  /** Removes trailing zeros: 1.500 becomes 1.5. */
  trimmed() {
    let { unscaled, scale } = this;
    for (; scale > 0 && unscaled % 10n === 0n; scale -= 1) unscaled /= 10n;
    return new Decimal(unscaled, scale);
  }

  /** Returns the negation. */
  negated() {
    return new Decimal(narrow("number", -this.unscaled), this.scale);
  }

  /** Returns the sum, with the larger scale. */
  plus(other) {
    const scale = Math.max(this.scale, other.scale);
    return new Decimal(narrow("sum", aligned(this, scale) + aligned(other, scale)), scale);
  }

  /** Returns the difference, with the larger scale. */
  minus(other) {
    const scale = Math.max(this.scale, other.scale);
    return new Decimal(narrow("difference", aligned(this, scale) - aligned(other, scale)), scale);
  }

  /** Returns the exact product. Fails if it needs more than 18 digits after the decimal point. */
  times(other) {
    let product = this.unscaled * other.unscaled;
    let scale = this.scale + other.scale;
    for (; scale > 0 && product % 10n === 0n; scale -= 1) product /= 10n;
    if (scale > MAX_SCALE) {
      throw Invalid.at("product", "has more than 18 digits after the decimal point");
    }
    return new Decimal(narrow("product", product), scale);
  }

  /** Changes the scale. Rounds half away from zero. */
  rescale(scale) {
    if (scale >= this.scale) return new Decimal(narrow("number", aligned(this, scale)), scale);
    return new Decimal(divide(this.unscaled, power(this.scale) / power(scale)), scale);
  }

  /** Returns `this × quantity` in minor units, rounded half away from zero: the extended price. */
  extended(quantity, minorDigits) {
    power(this.scale), power(quantity.scale);
    const product = this.unscaled * quantity.unscaled * power(minorDigits);
    const scale = this.scale + quantity.scale;
    const what = scale <= MAX_SCALE ? "number" : "amount";
    return narrow(what, divide(product, 10n ** BigInt(scale)));
  }
}

function aligned(decimal, scale) {
  power(decimal.scale);
  return (decimal.unscaled * power(scale)) / power(decimal.scale);
}
