/**
 * Between what the component tool expects and what an author writes. Not for authors.
 *
 * The build writes a module that calls `react` for each of the plugin's points and `checker` once.
 * @module
 */

import { Context } from "./context.js";
import { Misconfigured } from "./fault.js";
import { fields } from "./settings.js";

/** The exported `settings` interface. */
export function checker(plugin) {
  return {
    check(text) {
      const { values, problems } = (plugin.SETTINGS ?? fields({})).read(text);
      return problems.length > 0 || !plugin.check ? problems : plugin.check(values);
    },
  };
}

/** An exported react point. A `Fault` that is thrown carries the `payload` that the tool looks for. */
export function react(plugin, decide) {
  // While the component is built, so that a missing function is no surprise of the first event.
  if (typeof decide !== "function") throw new TypeError("plugin.js lacks a function that plugin.toml names under points");
  return {
    handle(raw, ...args) {
      const { values, problems } = (plugin.SETTINGS ?? fields({})).read(raw.settings);
      if (problems.length > 0) throw new Misconfigured(problems);
      return decide(new Context(raw, values), ...args);
    },
  };
}
