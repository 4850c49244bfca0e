/**
 * Log lines for people. The host limits the bytes of each call and drops the excess.
 * @module
 */

import { text } from "./text.js";

/** The log lines if there is no host, as in a test of the plugin's functions. */
export const written = [];

let write = (level, message, fields) => written.push({ level, message, fields });

/** Sends log lines to the host. The generated module calls it, not authors. */
export function connect(host) {
  write = host;
}

const at = (level) => (message, fields = {}) => {
  write(level, message, Object.entries(fields).map(([name, value]) => [name, text(value)]));
};

/** Helps to debug the plugin. */
export const debug = at("debug");
/** Informs operators. */
export const info = at("info");
/** An operator should check it. */
export const warn = at("warn");
/** An operator must act. */
export const error = at("error");
