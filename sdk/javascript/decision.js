/**
 * Builds decisions.
 * @module
 */

import { Decimal } from "./decimal.js";
import { Failed } from "./fault.js";
import { Variant, text } from "./text.js";

/**
 * Returns JSON text without blanks, with the keys in their given order. Every SDK returns the same bytes.
 * `BigInt` becomes an integer, a `Decimal` a string, a variant its case; floating-point numbers are rejected.
 */
export function json(value) {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return String(value);
    case "bigint":
      return value.toString();
    case "undefined":
      return "null";
    case "number":
      if (Number.isSafeInteger(value)) return String(value);
      throw new Failed("floating point in JSON: write money as BigInt, a decimal as text");
  }
  if (value === null) return "null";
  if (value instanceof Decimal || value instanceof Variant || value instanceof Date) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(json).join(",")}]`;
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${json(member)}`);
  return `{${members.join(",")}}`;
}

/** The result of a plugin. The host applies all of it once, or nothing. */
export class Decision {
  documents = [];
  publications = [];
  requests = [];
  receipts = [];
  notes = [];

  /**
   * Adds a file. It appears under its name once, complete, and never replaces another file.
   * @param {string} directory a directory that the grant names
   * @param {string} name
   * @param {string} mediaType
   * @param {string | Uint8Array} body
   */
  document(directory, name, mediaType, body) {
    this.documents.push({ directory, name, mediaType, body: bytes(body) });
    return this;
  }

  /** Adds an event. `data` becomes JSON (see `json`); the host wraps it in the platform's envelope. */
  publish(topic, key, data) {
    this.publications.push({ topic, key: key === undefined ? undefined : text(key), data: json(data) });
    return this;
  }

  /** Adds an HTTP request. Planned: a host without an implementation refuses to grant a target. */
  request({ id, target, method, path, headers = {}, body = "" }) {
    this.requests.push({ id, target, method, path, headers: attributes(headers), body: bytes(body) });
    return this;
  }

  /** Adds a receipt for the customer. The host queues it and does not send it yet. */
  receipt(template, locale, named = {}) {
    this.receipts.push({ template, locale, document: undefined, attributes: attributes(named) });
    return this;
  }

  /** Adds a note for people. The journal stores it. */
  note(name, value) {
    this.notes.push({ name, value: text(value) });
    return this;
  }
}

function attributes(named) {
  return Object.entries(named).map(([name, value]) => ({ name, value: text(value) }));
}

function bytes(body) {
  return body instanceof Uint8Array ? body : new TextEncoder().encode(text(body));
}
