/**
 * The context of a call.
 * @module
 */

import { Invalid, Misconfigured } from "./fault.js";

/** The context of a call. Two calls with the same context and argument must decide the same. */
export class Context {
  #raw;

  constructor(raw, settings) {
    this.#raw = raw;
    /** The plugin's settings for this store, parsed by `SETTINGS`. */
    this.settings = settings;
    /** The event's id. Every attempt gets the same one. */
    this.eventId = raw.eventId;
    /** The number of the attempt, from 1. A decision should not depend on it. */
    this.attempt = raw.attempt;
    /** When the event happened, in RFC 3339 with the store's offset. A plugin has no other clock. */
    this.occurredAt = raw.occurredAt;
    /** `YYYY-MM-DD`. It accounts for the hour at which the store's business day starts. */
    this.businessDate = raw.businessDate;
    /** The documents that earlier decisions about the same order wrote. */
    this.prior = raw.prior;
  }

  /** The store of the call; `Invalid` in a run over all stores of a retailer. */
  get store() {
    const { tag, val } = this.#raw.scope;
    if (tag === "store") return val;
    const message = "a store is needed, and this is a run over all stores of a retailer";
    throw Invalid.at("context.scope", message);
  }

  /** The name of the retailer, for calls of both scopes. */
  get retailer() {
    const { tag, val } = this.#raw.scope;
    return tag === "store" ? val.retailer : val;
  }

  /**
   * Returns the number that the host assigned to this event, by its name under `[counters]` in
   * `plugin.toml`.
   */
  counter(name) {
    const found = this.#raw.counters.find((counter) => counter.name === name);
    if (found !== undefined) return found.value;
    const message = "unknown counter: declare it under [counters] in plugin.toml";
    throw Misconfigured.at(`counters.${name}`, message);
  }
}
