/**
 * Faults: a plugin that cannot decide throws one. Any other exception is a bug of the plugin: the host
 * records a crash.
 * @module
 */

/** @typedef {{ row?: bigint, field: string, message: string }} Problem */

/**
 * A problem of a field: what is wrong and what would be right.
 * @param {string} field a dotted path, such as `lines.3.quantity`
 * @param {string} message
 * @param {bigint} [row] the row of a file, counted from 1 with the header
 * @returns {Problem}
 */
export function problem(field, message, row) {
  return { row, field, message };
}

/** Why a plugin cannot decide. The host receives `payload`. */
export class Fault extends Error {
  constructor(tag, val, message) {
    super(message);
    this.payload = { tag, val };
  }
}

/** This argument can never work. The event becomes a dead letter. */
export class Invalid extends Fault {
  /** @param {Problem[]} problems */
  constructor(problems, tag = "invalid") {
    super(tag, problems, problems.map((each) => `${each.field}: ${each.message}`).join("; "));
  }

  /** Returns a fault with one problem of one field. */
  static at(field, message) {
    return new this([problem(field, message)]);
  }
}

/** The settings are wrong for this event. It becomes a dead letter, to be replayed after they are corrected. */
export class Misconfigured extends Invalid {
  constructor(problems) {
    super(problems, "misconfigured");
  }
}

/** Temporary. The event is parked and tried again, after about `seconds` if given. */
export class Retry extends Fault {
  constructor(reason, seconds) {
    super("retry", { seconds, reason }, reason);
  }
}

/** Any other failure. The host tries again with back-off, as often as the event's topic allows. */
export class Failed extends Fault {
  constructor(reason) {
    super("failed", reason, reason);
  }
}
