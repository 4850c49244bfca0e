/**
 * Settings: declared once, read at every call, checked before any event.
 *
 *     export const SETTINGS = settings.fields({
 *       topic: settings.text(),
 *       delimiter: settings.text({ default: ";", allowed: [";", ","] }),
 *       wait_s: settings.integer({ default: 30, least: 1 }),
 *     });
 *
 * `cx.settings.topic` is then text. Unknown keys, missing keys and wrong values are all reported together.
 * @module
 */

import { Decimal } from "./decimal.js";
import { problem } from "./fault.js";

/** Text, not empty; one of `allowed` where they are given. */
export function text({ default: otherwise, allowed } = {}) {
  const wrong = allowed
    ? "has to be one of " + allowed.map((word) => `\`${word}\``).join(", ")
    : "has to be text";
  const good = (value) => typeof value === "string" && value !== "" && (!allowed || allowed.includes(value));
  return { otherwise, read: (value) => (good(value) ? { value } : { wrong }) };
}

/** A whole number within bounds. */
export function integer({
  default: otherwise,
  least = Number.MIN_SAFE_INTEGER,
  most = Number.MAX_SAFE_INTEGER,
} = {}) {
  const wrong = `has to be a whole number from ${least} to ${most}`;
  const good = (value) => Number.isSafeInteger(value) && value >= least && value <= most;
  return { otherwise, read: (value) => (good(value) ? { value } : { wrong }) };
}

/** A decimal as text, such as `"0.05"`; read as a `Decimal`. */
export function decimal({ default: otherwise } = {}) {
  const read = (value) => {
    try {
      return { value: Decimal.parse(typeof value === "string" ? value : "") };
    } catch {
      return { wrong: 'has to be a decimal in quotes, such as "0.05"' };
    }
  };
  return { otherwise: otherwise === undefined ? undefined : Decimal.parse(otherwise), read };
}

/** True or false. */
export function boolean({ default: otherwise } = {}) {
  const wrong = "has to be true or false";
  return { otherwise, read: (value) => (typeof value === "boolean" ? { value } : { wrong }) };
}

/** The keys that a plugin's settings have, for `SETTINGS`. */
export function fields(declared) {
  const known = Object.keys(declared).join(", ");
  const unknown = known ? `is unknown; known here: ${known}` : "is unknown; no key is known here";

  /** The settings of a text, and all that is wrong with them. */
  function read(raw) {
    let given;
    try {
      given = JSON.parse(raw);
    } catch (error) {
      return { values: {}, problems: [problem("settings", `is no JSON: ${error.message}`)] };
    }
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      return { values: {}, problems: [problem("settings", "has to be a table of keys")] };
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
