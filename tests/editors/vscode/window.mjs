/** VS Code's real window in a real browser: code-server, the packaged extension, and Chromium. */

import { spawn, execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const CHROMIUM = ["chromium", "chromium-browser", "google-chrome"];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const SETTINGS = {
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.enableExperiments": false,
  "workbench.settings.enableNaturalLanguageSearch": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.editorAssociations": { "*.ipynb": "jupyter-notebook" },
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "git.enabled": false,
  "files.autoSave": "off",
  "editor.lightbulb.enabled": "on",
  "editor.minimap.enabled": false,
  "editor.accessibilitySupport": "off",
  "editor.wordBasedSuggestions": "off",
  "npm.autoDetect": "off",
};

/** code-server on a free port with the .vsix installed; `close` ends it. Unless `trust` is false, all workspaces are trusted. */
export async function serve(home, vsix, { options = [], trust = true } = {}) {
  fs.rmSync(home, { recursive: true, force: true });
  const workspace = path.join(home, "workspace");
  for (const folder of [workspace, path.join(home, "data", "User")]) {
    fs.mkdirSync(folder, { recursive: true });
  }
  fs.writeFileSync(path.join(home, "data", "User", "settings.json"), JSON.stringify({ ...SETTINGS, "security.workspace.trust.enabled": !trust }));
  fs.writeFileSync(path.join(home, "config.yaml"), "");
  const node = process.execPath;
  const entry = fileURLToPath(new URL("../node_modules/code-server/out/node/entry.js", import.meta.url));
  const places = ["--config", `${home}/config.yaml`, "--user-data-dir", `${home}/data`, "--extensions-dir", `${home}/extensions`];
  execFileSync(node, [entry, ...places, "--install-extension", vsix, "--force"], { stdio: ["ignore", "ignore", "ignore"] });
  const port = await freePort();
  const log = fs.openSync(path.join(home, "server.log"), "w");
  const quiet = ["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override", "--disable-proxy"];
  const child = spawn(node, [entry, ...places, "--auth", "none", "--bind-addr", `127.0.0.1:${port}`, ...quiet, ...(trust ? ["--disable-workspace-trust"] : []), ...options, workspace], {
    stdio: ["ignore", log, log],
  });
  await until("code-server answers", async () => (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok);
  return { port, workspace, close: () => child.kill() };
}

/** A browser's window on the workspace; `payload` is what VS Code is told to open. */
export function open({ port, workspace }, payload) {
  return browse(`http://127.0.0.1:${port}/?folder=${workspace}&payload=${encodeURIComponent(JSON.stringify(payload))}`);
}

/** A page in a browser that can reach nothing but this machine. */
export async function browse(url) {
  const executablePath = CHROMIUM.map((name) => `/usr/bin/${name}`).find((file) => fs.existsSync(file));
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  const page = await browser.newPage({ viewport: { width: 1100, height: 620 } });
  await page.context().route(
    (to) => to.hostname !== "127.0.0.1" && !to.hostname.endsWith("localhost"),
    (route) => route.abort(),
  );
  await page.goto(url);
  return page;
}

export const remote = ({ port }, file) => `vscode-remote://127.0.0.1:${port}${file}`;

export async function until(what, question, within = 60_000) {
  for (const end = Date.now() + within; Date.now() < end; ) {
    const answer = await question();
    if (answer) {
      return answer;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain: ${what}`);
}

export function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export function notebook(cells) {
  return {
    cells: cells.map(([cell_type, source], index) => ({
      cell_type,
      id: `cell${index}`,
      metadata: {},
      source: source.split(/(?<=\n)/),
      ...(cell_type === "code" ? { execution_count: null, outputs: [] } : {}),
    })),
    metadata: { kernelspec: { display_name: "Python 3", language: "python", name: "python3" } },
    nbformat: 4,
    nbformat_minor: 5,
  };
}
