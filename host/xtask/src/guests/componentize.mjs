// Usage: node componentize.mjs SOURCE WIT WORLD OUTPUT. Compiles a module with its imports to a component.
// It uses the API of the tool, because the command of the tool fails on this contract.
import { writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const [sourcePath, witPath, worldName, output] = process.argv.slice(2);
const { component } = await componentize({
  sourcePath,
  witPath,
  worldName,
  // A component has no network access. Clocks, randomness and the console remain: the host provides the
  // clock of the event, its public randomness and its log.
  disableFeatures: ["http", "fetch-event"],
});
await writeFile(output, component);
