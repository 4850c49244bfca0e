/**
 * Settings: declared once, parsed at every call, checked before any event.
 *
 *     export const SETTINGS = settings.fields({
 *       topic: settings.text(),
 *       delimiter: settings.text({ default: ";", allowed: [";", ","] }),
 *       wait_s: settings.integer({ default: 30, least: 1 }),
 *     });
 *
 * `cx.settings.topic` is then a string. Unknown keys, missing keys and wrong values are reported together.
 * @module
 */

import { Decimal } from "./decimal.js";
import { problem } from "./fault.js";

/** Declares non-empty text; one of `allowed` if given. */
export function text({ default: otherwise, allowed } = {}) {
  const wrong = allowed
    ? "must be one of " + allowed.map((word) => `\`${word}\``).join(", ")
    : "must be text";
  const good = (value) => typeof value === "string" && value !== "" && (!allowed || allowed.includes(value));
  return { otherwise, read: (value) => (good(value) ? { value } : { wrong }) };
}

/** Declares an integer with limits. */
export function integer({
  default: otherwise,
  least = Number.MIN_SAFE_INTEGER,
  most = Number.MAX_SAFE_INTEGER,
} = {}) {
  const wrong = `must be a whole number from ${least} to ${most}`;
  const good = (value) => Number.isSafeInteger(value) && value >= least && value <= most;
  return { otherwise, read: (value) => (good(value) ? { value } : { wrong }) };
}

/** Declares a decimal as text, such as `"0.05"`; the value is a `Decimal`. */
export function decimal({ default: otherwise } = {}) {
  const read = (value) => {
    try {
      return { value: Decimal.parse(typeof value === "string" ? value : "") };
    } catch {
      return { wrong: 'must be a decimal in quotes, such as "0.05"' };
    }
  };
  return { otherwise: otherwise === undefined ? undefined : Decimal.parse(otherwise), read };
}

/** Declares a boolean. */
export function boolean({ default: otherwise } = {}) {
  const wrong = "must be true or false";
  return { otherwise, read: (value) => (typeof value === "boolean" ? { value } : { wrong }) };
}

/** Declares the keys of a plugin's settings, for `SETTINGS`. */
export function fields(declared) {
  const known = Object.keys(declared).join(", ");
  const unknown = known ? `unknown key; known keys: ${known}` : "unknown key; there are no keys here";

  /** Returns the settings of a text, and all their problems. */
  function read(raw) {
    let given;
    try {
      given = JSON.parse(raw);
    } catch (error) {
      return { values: {}, problems: [problem("settings", `is not JSON: ${error.message}`)] };
    }
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      return { values: {}, problems: [problem("settings", "must be a table of keys")] };
    }
    const problems = Object.keys(given)
      .filter((key) => !Object.hasOwn(declared, key))
      .map((key) => problem(key, unknown));
    const values = {};
    for (const [key, field] of Object.entries(declared)) {
      const absent = field.otherwise === undefined ? { wrong: "is missing" } : { value: field.otherwise };
      const { value, wrong } = Object.hasOwn(given, key) ? field.read(given[key]) : absent;
      values[key] = value;
      if (wrong !== undefined) problems.push(problem(key, wrong));
    }
    return { values, problems };
  }

  return { read };
}
