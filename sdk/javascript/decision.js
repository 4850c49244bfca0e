/**
 * Building a decision: everything a plugin wants done.
 * @module
 */

import { Failed } from "./fault.js";

/**
 * JSON text without blanks, keys in the order they were given; the same bytes from every SDK.
 * `BigInt` is written as the whole number it is; floating point is refused.
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
  if (Array.isArray(value)) return `[${value.map(json).join(",")}]`;
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${json(member)}`);
  return `{${members.join(",")}}`;
}

/** Everything a plugin wants done. The host applies all of it, once, or none of it. */
export class Decision {
  documents = [];
  publications = [];
  requests = [];
  receipts = [];
  notes = [];

  /**
   * A file to write: it appears whole under its name, once, and never over another file.
   * @param {string} directory a directory the grant names
   * @param {string} name
   * @param {string} mediaType
   * @param {string | Uint8Array} body
   */
  document(directory, name, mediaType, body) {
    this.documents.push({ directory, name, mediaType, body: bytes(body) });
    return this;
  }

  /** An event to publish. `data` becomes JSON (see `json`); the host wraps it in the platform's envelope. */
  publish(topic, key, data) {
    this.publications.push({ topic, key, data: json(data) });
    return this;
  }

  /** An HTTP request, sent after the decision was committed, at least once; its reply comes to `onReply`. */
  request({ id, target, method, path, headers = {}, body = "" }) {
    this.requests.push({ id, target, method, path, headers: attributes(headers), body: bytes(body) });
    return this;
  }

  /** A receipt for the customer, rendered and sent by the platform. */
  receipt(template, locale, named = {}) {
    this.receipts.push({ template, locale, document: undefined, attributes: attributes(named) });
    return this;
  }

  /** A note for people, kept in the journal. */
  note(name, value) {
    this.notes.push({ name, value: String(value) });
    return this;
  }
}

function attributes(named) {
  return Object.entries(named).map(([name, value]) => ({ name, value: String(value) }));
}

function bytes(body) {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}
