/**
 * What surrounds a call.
 * @module
 */

import { Invalid, Misconfigured } from "./fault.js";

/** What surrounds a call. Two calls with the same context and argument decide the same. */
export class Context {
  #raw;

  constructor(raw, settings) {
    this.#raw = raw;
    /** The plugin's settings for this store, as `SETTINGS` of the plugin reads them. */
    this.settings = settings;
    /** The event's identity: the same on every attempt. */
    this.eventId = raw.eventId;
    /** 1 for the first attempt. A decision should not depend on it. */
    this.attempt = raw.attempt;
    /** RFC 3339 with the store's offset; also the only clock there is. */
    this.occurredAt = raw.occurredAt;
    /** `YYYY-MM-DD`, with the hour at which the store's day turns over applied. */
    this.businessDate = raw.businessDate;
    /** Documents that earlier decisions about the same order wrote. */
    this.prior = raw.prior;
  }

  /** The store it is about; `Invalid` in a run over all stores of a retailer. */
  get store() {
    const { tag, val } = this.#raw.scope;
    if (tag === "store") return val;
    const message = "a store is needed, and this is a run over all stores of a retailer";
    throw Invalid.at("context.scope", message);
  }

  /** The retailer's name, whether the call is about one store or all. */
  get retailer() {
    const { tag, val } = this.#raw.scope;
    return tag === "store" ? val.retailer : val;
  }

  /** The number the host took for this event, by its name under `[counters]` in `plugin.toml`. */
  counter(name) {
    const found = this.#raw.counters.find((counter) => counter.name === name);
    if (found !== undefined) return found.value;
    const message = "the host took no such number: name it under [counters] in plugin.toml";
    throw Misconfigured.at(`counters.${name}`, message);
  }
}
