/**
 * The SDK for plugins of Galleria in JavaScript.
 *
 * A plugin decides; the host acts. A plugin is a module `plugin.js` with one exported function for each
 * extension point, named like the point in camel case: an event and its context in, a `Decision` out.
 * It has no side effects. The SDK has no dependencies; `sdk/GUIDE.md` describes all steps.
 *
 *     import { Decision, settings } from "../../sdk/javascript/index.js";
 *
 *     export const SETTINGS = settings.fields({ topic: settings.text() });
 *
 *     export function onPayment(cx, sale) {
 *       return new Decision().publish(cx.settings.topic, sale.entry.orderId, { gross: sale.gross });
 *     }
 *
 * Arguments have the contract's names (`wit/v0.2.0/types.wit`) in camel case: `sale.lines[0].unitPrice`.
 * Money and all other 64-bit numbers are `BigInt`, a decimal is a `Decimal`, whose text is its value
 * (`${line.quantity}`), an absent value is `undefined`, a variant is `{ tag, val }`:
 * `line.kind.tag === "gift-card-sale"`.
 * @module
 */

export * as csv from "./csv.js";
export { Context } from "./context.js";
export { Decimal } from "./decimal.js";
export { Decision, json } from "./decision.js";
export { Failed, Fault, Invalid, Misconfigured, Retry, problem } from "./fault.js";
export * as log from "./log.js";
export * as money from "./money.js";
export * as settings from "./settings.js";
