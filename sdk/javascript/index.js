/**
 * What a plugin author needs to serve a retailer on Galleria with JavaScript.
 *
 * A plugin decides; the host does. It is a module `plugin.js` with one exported function for each
 * extension point, named as the point in camel case: an event and its context in, a `Decision` out.
 * It performs nothing itself. Nothing to install; `sdk/GUIDE.md` shows the whole way.
 *
 *     import { Decision, settings } from "../../sdk/javascript/index.js";
 *
 *     export const SETTINGS = settings.fields({ topic: settings.text() });
 *
 *     export function onPayment(cx, sale) {
 *       return new Decision().publish(cx.settings.topic, sale.entry.orderId, { gross: sale.gross });
 *     }
 *
 * Arguments carry the contract's names (`wit/v0.2.0/types.wit`) in camel case: `sale.lines[0].unitPrice`.
 * Money and every other 64-bit number is a `BigInt`, what is optional is `undefined`, a variant is
 * `{ tag, val }`: `line.kind.tag === "gift-card-sale"`.
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
