/**
 * JupyterLab with jupyterlab-lsp: a leak in a cell is underlined, across cells, and the hover tells why.
 *
 * usage: cells.mjs HOME JUPYTER-LAB PICTURES
 */

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { browse, freePort, notebook, until } from "../vscode/window.mjs";

const [home, lab, pictures] = process.argv.slice(2);
const documented = fileURLToPath(new URL("../../../docs/editors/jupyterlab.md", import.meta.url));
const CELLS = [
  ["code", "import torch\n\nmodel = torch.nn.Linear(2, 2)\noptimizer = torch.optim.SGD(model.parameters(), 0.1)\nlosses = []"],
  ["markdown", "## Train"],
  ["code", "for x in range(10):\n    optimizer.zero_grad()\n    loss = model(torch.zeros(2)).sum()\n    loss.backward()\n    optimizer.step()\n    losses.append(loss)"],
];

const start = Date.now();
const say = (what) => console.log(`  ${((Date.now() - start) / 1000).toFixed(1)} s  ${what}`);

fs.rmSync(home, { recursive: true, force: true });
const folder = (name) => {
  fs.mkdirSync(path.join(home, name), { recursive: true });
  return path.join(home, name);
};
// The configuration is the one that the documentation shows.
const configuration = /```json\n([\s\S]*?)```/.exec(fs.readFileSync(documented, "utf8"))[1];
fs.writeFileSync(path.join(folder("config"), "jupyter_server_config.json"), configuration);
fs.writeFileSync(path.join(folder("settings/@jupyterlab/apputils-extension"), "notification.jupyterlab-settings"), '{"fetchNews": "false", "checkForUpdates": false}');
const root = folder("notebooks");
fs.writeFileSync(path.join(root, "train.ipynb"), JSON.stringify(notebook(CELLS)));

const port = await freePort();
const log = fs.openSync(path.join(home, "lab.log"), "w");
const options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", `--port=${port}`, "--ServerApp.port_retries=0", "--IdentityProvider.token=", `--ServerApp.root_dir=${root}`];
const child = spawn(lab, options, {
  stdio: ["ignore", log, log],
  env: {
    ...process.env,
    JUPYTER_CONFIG_DIR: folder("config"),
    JUPYTER_DATA_DIR: folder("data"),
    JUPYTER_RUNTIME_DIR: folder("runtime"),
    JUPYTERLAB_SETTINGS_DIR: folder("settings"),
    JUPYTERLAB_WORKSPACES_DIR: folder("workspaces"),
  },
});
let page;
try {
  await until("JupyterLab answers", async () => (await fetch(`http://127.0.0.1:${port}/api/status`).catch(() => undefined))?.ok);
  page = await browse(`http://127.0.0.1:${port}/lab/tree/train.ipynb?reset`);
  await page.locator(".jp-Notebook .jp-CodeCell .cm-content").first().waitFor({ timeout: 60_000 });
  say("the notebook is open");
  const mark = page.locator(".jp-Notebook .cm-lintRange-warning", { hasText: "loss" });
  await mark.first().waitFor({ timeout: 60_000 });
  say(`underlined: ${(await mark.allInnerTexts()).join(" ")}`);
  const { x, y, width, height } = await mark.first().boundingBox();
  await until("a hover that tells why", async () => {
    await page.mouse.move(800, 500);
    await page.keyboard.down("Control");
    await page.mouse.move(x + width / 2, y + height / 2, { steps: 4 });
    const shown = await page.locator(".lsp-hover", { hasText: "keeps the graph" }).waitFor({ timeout: 3000 }).then(() => true, () => false);
    await page.keyboard.up("Control");
    return shown;
  });
  say("the hover tells why");
} catch (error) {
  await page?.screenshot({ path: path.join(pictures, "failed.png") });
  throw error;
} finally {
  await page?.context().browser().close();
  child.kill();
}
