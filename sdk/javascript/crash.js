/**
 * Reports exceptions that are not faults. The host records the report with the crash.
 * @module
 */

/** The innermost frames of a report. */
const FRAMES = 8;
/** The maximum length of a part of a report, such as the exception's text. The host keeps the last 3 KiB. */
const CHARACTERS = 400;
/** A frame in the stack of a component's exception: `function@file:line:column`. */
const FRAME = /^(.*)@(.+:\d+:\d+)$/;
/** The file that the component tool generates. */
const GENERATED = "/initializer.js:";

let exit;

/** Connects the host's function that ends a call. The generated module calls it, not authors. */
export function connect(host) {
  exit = host;
}

/** Returns the exception's type and text, and the innermost frames. */
export function report(error) {
  const frames = String(error?.stack ?? "")
    .split("\n")
    .map((line) => FRAME.exec(line))
    .filter((frame) => frame !== null && !frame[2].includes(GENERATED))
    .slice(0, FRAMES)
    .map(([, name, place]) => `  at ${name || "a function without a name"} (${place})`);
  return [described(error), ...frames].map(cut).join("\n");
}

/** Prints the report and ends the call. Outside a component, throws the exception. */
export function end(error) {
  if (exit === undefined) throw error;
  console.error(report(error));
  exit({ tag: "err" });
}

function described(error) {
  try {
    return String(error);
  } catch {
    return `a thrown value of type ${typeof error}`;
  }
}

/** Cuts a part, and replaces the character NUL, which ends what the console prints. */
function cut(part) {
  const text = part.replaceAll("\0", "\ufffd");
  return text.length <= CHARACTERS ? text : `${text.slice(0, CHARACTERS)}...`;
}
