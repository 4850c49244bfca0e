// node componentize.mjs SOURCE WIT WORLD OUTPUT: a module and what it imports become a component.
// Through the tool's API, because its command fails on this contract.
import { writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const [sourcePath, witPath, worldName, output] = process.argv.slice(2);
const { component } = await componentize({
  sourcePath,
  witPath,
  worldName,
  // There is no network to fetch from. Clocks, randomness and the console stay: the host answers
  // the event's clock, its public randomness and its log.
  disableFeatures: ["http", "fetch-event"],
});
await writeFile(output, component);
