/**
 * Lines for people, in the host's log. Bounded for each call; what goes beyond is dropped.
 * @module
 */

/** What was logged where there is no host, as in a test of the plugin's functions. */
export const written = [];

let write = (level, message, fields) => written.push({ level, message, fields });

/** Sends what is logged to the host. Called by the build's module, not by authors. */
export function connect(host) {
  write = host;
}

const at = (level) => (message, fields = {}) => {
  write(level, message, Object.entries(fields).map(([name, value]) => [name, String(value)]));
};

/** For whoever looks closely. */
export const debug = at("debug");
/** Worth knowing. */
export const info = at("info");
/** Odd, but decided. */
export const warn = at("warn");
/** Wrong. */
export const error = at("error");
