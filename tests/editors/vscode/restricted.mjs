/**
 * A workspace that is not trusted: leaks are found in it, and nothing that it names is run.
 *
 * usage: restricted.mjs HOME VSIX PICTURES
 */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { open, remote, serve } from "./window.mjs";

const [home, vsix, pictures] = process.argv.slice(2);
const start = Date.now();
const say = (what) => console.log(`  ${((Date.now() - start) / 1000).toFixed(1)} s  ${what}`);

const server = await serve(home, vsix, { trust: false });
const place = (name, text, mode = 0o644) => {
  const file = path.join(server.workspace, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, { mode });
  return file;
};
const ran = path.join(home, "ran");
const trap = place("trap", `#!/bin/sh\necho "$0" >> ${ran}\nexit 1\n`, 0o755);
for (const name of ["python3", ".venv/bin/python"]) {
  place(name, fs.readFileSync(trap), 0o755);
}
for (const name of ["sitecustomize.py", "oakum/__init__.py", "pygls/__init__.py", "typing.py"]) {
  place(name, `open(${JSON.stringify(ran)}, "a").write(__file__)\n`);
}
place(".vscode/settings.json", JSON.stringify({ "oakum.path": trap, "oakum.interpreter": trap }));
const script = place("train.py", "import torch\n\ntorch.autograd.detect_anomaly()\n");

const page = await open(server, [["openFile", remote(server, script)]]);
try {
  await page.getByText("Restricted Mode").first().waitFor({ timeout: 60_000 });
  await page.locator(".editor-instance .squiggly-warning").first().waitFor({ timeout: 60_000 });
  say("in Restricted Mode, the leak is underlined");
  assert.ok(!fs.existsSync(ran), fs.existsSync(ran) && fs.readFileSync(ran, "utf8"));
  say("nothing of the workspace was run");
} catch (error) {
  await page.screenshot({ path: path.join(pictures, "failed.png") });
  throw error;
} finally {
  await page.context().browser().close();
  server.close();
}
