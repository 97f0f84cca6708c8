/**
 * What a user does and sees, in a file and in a notebook: type a leak, see it underlined, hover, open the light bulb, apply, save.
 * The pictures that are taken on the way are those of the extension's README.
 *
 * usage: typing.mjs HOME VSIX PICTURES
 */

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { notebook, open, remote, serve, until } from "./window.mjs";

const [home, vsix, pictures] = process.argv.slice(2);
const LEAK = "total += loss";
const TRAIN = `import torch
from torch import nn


def train(model: nn.Module, loader, epochs: int) -> None:
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(epochs):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {total:.3f}")
`;
const CELLS = [
  ["markdown", "# Fine-tuning"],
  ["code", "import torch\nfrom data import loader, model\n\noptimizer = torch.optim.SGD(model.parameters(), lr=0.01)"],
  ["code", "losses = []\nfor images, labels in loader:\n    optimizer.zero_grad()\n    loss = torch.nn.functional.cross_entropy(model(images), labels)\n    loss.backward()\n    optimizer.step()\n    losses.append(loss)"],
];

const start = Date.now();
const say = (what) => console.log(`  ${((Date.now() - start) / 1000).toFixed(1)} s  ${what}`);

fs.mkdirSync(pictures, { recursive: true });
const server = await serve(home, vsix);
const script = path.join(server.workspace, "train.py");
const book = path.join(server.workspace, "finetune.ipynb");
fs.writeFileSync(script, TRAIN);
fs.writeFileSync(book, JSON.stringify(notebook(CELLS), null, 1));
const page = await open(server, [["openFile", remote(server, script)]]);
try {
  await inFile();
  await ruleOf();
  await inNotebook();
} catch (error) {
  await page.screenshot({ path: path.join(pictures, "failed.png") });
  throw error;
} finally {
  await page.context().browser().close();
  server.close();
}

async function inFile() {
  await page.locator(".view-line", { hasText: "optimizer.step()" }).waitFor();
  await page.locator(".statusbar-item", { hasText: "Python" }).first().waitFor();
  say("the file is open");
  await page.locator(".view-line", { hasText: "optimizer.step()" }).click();
  await page.keyboard.press("End");
  await page.keyboard.type(`\n${LEAK}`);
  await squiggles(".editor-instance", 1);
  say("what was typed is underlined");
  await picture("squiggle");

  await hover(".editor-instance", "autograd graph");
  say("the hover tells why");
  await picture("hover");
  await away();

  await page.locator("#status\\.languageStatus").hover();
  await page.locator(".hover-language-status:visible", { hasText: "Oakum finds 1 leak" }).waitFor();
  say("the status item counts it");
  await away();

  await page.keyboard.press("Control+.");
  const actions = await lightbulb();
  assert.ok(actions.some((title) => /\.item\(\)/.test(title)), actions.join("\n"));
  assert.ok(actions.some((title) => /Ignore PT07/.test(title)), actions.join("\n"));
  await picture("fix");
  await page.keyboard.press("Enter");
  await squiggles(".editor-instance", 0);
  await page.keyboard.press("Control+s");
  await until("the file is saved", () => fs.readFileSync(script, "utf8").includes("            total += loss.item()\n"));
  assert.equal(fs.readFileSync(script, "utf8"), TRAIN.replace("        print", "            total += loss.item()\n        print"));
  say("fixed, and saved to disk");
}

async function ruleOf() {
  await page.keyboard.press("F1");
  await page.keyboard.type("Oakum: Explain a Rule");
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "Explain a Rule" }).first().waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "PT01" }).waitFor();
  await page.keyboard.type("still carry their autograd");
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "PT07" }).waitFor();
  await page.keyboard.press("Enter");
  await until("the page is shown", async () => {
    for (const frame of page.frames()) {
      if (await frame.getByText("Accumulate numbers, not tensors").count().catch(() => 0)) return true;
    }
  });
  await page.waitForTimeout(500);
  say("the rule's page is shown");
  await picture("rule");
  await page.locator(".tab", { hasText: "Preview PT07" }).click({ button: "middle" });
}

async function inNotebook() {
  await page.locator(".explorer-viewlet .monaco-list-row", { hasText: "finetune.ipynb" }).dblclick();
  await page.locator(".notebookOverlay .code-cell-row").first().waitFor({ state: "visible" });
  await squiggles(".notebookOverlay", 1);
  say("the cell's leak is underlined");
  const line = page.locator(".notebookOverlay .view-line", { hasText: "losses.append(loss)" });
  await hover(".notebookOverlay", "keeps the graph");
  await picture("notebook");
  await away();
  await line.click();
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Control+.");
  const actions = await lightbulb();
  assert.ok(actions.some((title) => /detach/.test(title)), actions.join("\n"));
  await page.keyboard.press("Enter");
  await squiggles(".notebookOverlay", 0);
  await page.keyboard.press("Control+s");
  await until("the notebook is saved", () => fs.readFileSync(book, "utf8").includes("losses.append(loss.detach())"));
  say("fixed in the cell, and saved to disk");
}

/** Wait until so many stretches are underlined as warnings. */
async function squiggles(where, count) {
  await until(`${count} underlined in ${where}`, async () => (await page.locator(`${where} .squiggly-warning`).count()) === count);
}

/** Put the mouse over what is underlined, until a hover tells `text`. */
async function hover(where, text) {
  const { x, y, width, height } = await page.locator(`${where} .squiggly-warning`).first().boundingBox();
  const shown = page.locator(".monaco-hover:visible", { hasText: text }).first();
  await until(`a hover with "${text}"`, async () => {
    await page.mouse.move(x - 40, y + height / 2);
    await page.mouse.move(x + width / 2, y + height / 2, { steps: 4 });
    return shown.waitFor({ timeout: 3000 }).then(() => true, () => false);
  });
}

async function away() {
  await page.mouse.move(1000, 600);
  await until("the hover is gone", async () => (await page.locator(".monaco-hover:visible").count()) === 0);
}

async function lightbulb() {
  await page.locator(".action-widget .monaco-list-row.action").first().waitFor();
  return page.locator(".action-widget .monaco-list-row").allInnerTexts();
}

async function picture(name) {
  await page.screenshot({ path: path.join(pictures, `${name}.png`) });
}
