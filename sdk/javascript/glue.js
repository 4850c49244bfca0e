/**
 * Connects the component tool with the author's plugin. Not for authors.
 *
 * The build generates a module that calls `react` for each of the plugin's points and `checker` once.
 * @module
 */

import { Context } from "./context.js";
import { end } from "./crash.js";
import { Decision } from "./decision.js";
import { Fault, Misconfigured } from "./fault.js";
import { fields } from "./settings.js";
import { withTexts } from "./text.js";

/** The exported `settings` interface. */
export function checker(plugin) {
  return {
    // Points that start with `on-` have no schedules.
    check(text, _schedules) {
      try {
        const { values, problems } = (plugin.SETTINGS ?? fields({})).read(text);
        return problems.length > 0 || !plugin.check ? problems : plugin.check(values);
      } catch (error) {
        return end(error);
      }
    },
  };
}

/** An exported react point. A thrown `Fault` has the `payload` that the tool expects. */
export function react(plugin, decide) {
  // Check at build time, so that a missing function does not fail at the first event.
  if (typeof decide !== "function") throw new TypeError("plugin.js lacks a function that plugin.toml names under points");
  return {
    handle(raw, ...args) {
      try {
        const { values, problems } = (plugin.SETTINGS ?? fields({})).read(raw.settings);
        if (problems.length > 0) throw new Misconfigured(problems);
        const decision = decide(new Context(raw, values), ...args.map(withTexts));
        if (!(decision instanceof Decision)) throw new TypeError(`${decide.name} must return a Decision`);
        return decision;
      } catch (error) {
        if (error instanceof Fault) throw error;
        return end(error);
      }
    },
  };
}
