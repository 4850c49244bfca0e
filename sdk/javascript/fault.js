/**
 * How a plugin says that it cannot decide: it throws one of these. Everything else that is thrown is
 * a bug of the plugin: the host calls it a crash.
 * @module
 */

/** @typedef {{ row?: bigint, field: string, message: string }} Problem */

/**
 * What is wrong with a field, and what would be right.
 * @param {string} field a dotted path, such as `lines.3.quantity`
 * @param {string} message
 * @param {bigint} [row] the row of a file, from 1 with the header
 * @returns {Problem}
 */
export function problem(field, message, row) {
  return { row, field, message };
}

/** A reason not to decide. `payload` is what the host is told. */
export class Fault extends Error {
  constructor(tag, val, message) {
    super(message);
    this.payload = { tag, val };
  }
}

/** Can never work with this argument: straight to the dead letters. */
export class Invalid extends Fault {
  /** @param {Problem[]} problems */
  constructor(problems, tag = "invalid") {
    super(tag, problems, problems.map((each) => `${each.field}: ${each.message}`).join("; "));
  }

  /** One problem of one field. */
  static at(field, message) {
    return new this([problem(field, message)]);
  }
}

/** The settings are wrong for this event: to the dead letters, to be replayed once they are mended. */
export class Misconfigured extends Invalid {
  constructor(problems) {
    super(problems, "misconfigured");
  }
}

/** Not now: parked and tried again, after about `seconds` where they are given. */
export class Retry extends Fault {
  constructor(reason, seconds) {
    super("retry", { seconds, reason }, reason);
  }
}

/** Anything else: tried again with back-off, as often as the event's topic allows. */
export class Failed extends Fault {
  constructor(reason) {
    super("failed", reason, reason);
  }
}
