/**
 * Tests inside of VS Code's extension host: `inside.js` is run there, with the packaged extension.
 *
 * usage: host.mjs HOME VSIX PICTURES
 */

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { open, remote, serve, until } from "./window.mjs";

const [home, vsix, pictures] = process.argv.slice(2);
const here = path.dirname(fileURLToPath(import.meta.url));
const results = path.join(home, "results.json");
process.env.OAKUM_TEST_RESULTS = results;

const server = await serve(home, vsix, { options: ["--vscode-option", "enable-smoke-test-driver"] });
const page = await open(server, [
  ["extensionDevelopmentPath", remote(server, path.join(here, "python"))],
  ["extensionTestsPath", remote(server, path.join(here, "inside.js"))],
]);
try {
  await until("the tests have ended", () => fs.existsSync(results), 180_000);
} catch (error) {
  await page.screenshot({ path: path.join(pictures, "failed.png") });
  throw error;
} finally {
  await page.context().browser().close();
  server.close();
}
const tests = JSON.parse(fs.readFileSync(results, "utf8"));
for (const { name, seconds, error } of tests) {
  console.log(`  ${seconds.toFixed(1)} s  ${error ? `FAILED: ${name}\n${error}` : name}`);
}
process.exit(tests.length > 0 && tests.every(({ error }) => !error) ? 0 : 1);
