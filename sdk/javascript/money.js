/**
 * Money as `BigInt` in minor units: formatting, sums and division.
 * @module
 */

import { digits, narrow } from "./decimal.js";
import { Invalid } from "./fault.js";

/** Formats major units with a point: `format(1299n, 2)` is `12.99`. */
export function format(minor, minorDigits) {
  return digits(minor, minorDigits);
}

/**
 * Returns the sum. Fails if it does not fit into 64 bits.
 * @param {Iterable<bigint>} amounts
 */
export function sum(amounts) {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return narrow("sum", total);
}

/**
 * Splits `total` over `weights` by largest remainder; on ties the earlier weight wins. The parts add
 * up to `total`.
 * @param {bigint} total
 * @param {bigint[]} weights
 */
export function split(total, weights) {
  const whole = weights.reduce((one, two) => one + two, 0n);
  if (whole <= 0n || weights.some((weight) => weight < 0n)) {
    throw Invalid.at("weights", "must be zero or more, and one of them above zero");
  }
  const size = total < 0n ? -total : total;
  const parts = weights.map((weight) => (size * weight) / whole);
  let left = parts.reduce((one, two) => one - two, size);
  const remainder = (at) => (size * weights[at]) % whole;
  const order = [...weights.keys()];
  // The sort is stable, so on ties the earlier weight wins.
  order.sort((one, two) => Number(remainder(one) < remainder(two)) - Number(remainder(one) > remainder(two)));
  for (const at of order) {
    if (left === 0n) break;
    parts[at] += 1n;
    left -= 1n;
  }
  return total < 0n ? parts.map((part) => -part) : parts;
}
