/** Run by VS Code in its extension host: what the extension does, asked through the interface that VS Code has for extensions. */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const vscode = require("vscode");

const LEAK = `import torch

model = torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
total = 0
for x in range(10):
    optimizer.zero_grad()
    loss = model(torch.zeros(2)).sum()
    loss.backward()
    optimizer.step()
    total += loss
print(total)
`;

// A statement without effect: to remove it can't change what the program means.
const SAFE = `import torch

torch.autograd.detect_anomaly()
model = torch.nn.Linear(2, 2)
`;
const SAFE_FIXED = `import torch

model = torch.nn.Linear(2, 2)
`;

const root = () => vscode.workspace.workspaceFolders[0].uri;
const settings = () => vscode.workspace.getConfiguration("oakum");
const found = (uri) => vscode.languages.getDiagnostics(uri).filter(({ source }) => source === "oakum");
const codes = (uri) => found(uri).map(({ code }) => code.value).join(" ");
const set = (name, value) => settings().update(name, value, vscode.ConfigurationTarget.Global);

/** Change something that makes the server start anew, and wait until it has. */
const anew = async (change) => {
  const before = api.server.client;
  await change();
  await until("the server runs anew", () => api.server.client !== before && api.server.phase === "running");
};

let api;
let log = [];

const TESTS = {
  "activating takes little, and the server runs on the Python that is selected": async () => {
    const extension = vscode.extensions.getExtension("oakum.oakum");
    api = await extension.activate();
    log.push(`${api.took.toFixed(0)} ms to activate`);
    assert.ok(api.took < 200, `${api.took} ms`);
    await api.ready;
    assert.equal(api.server.phase, "running");
    assert.equal(api.server.version, extension.packageJSON.version);
    assert.match(api.server.runsOn, /the Python extension/);
  },

  "a document that is on no disk is looked at, and the code of a finding leads to its page": async () => {
    const { uri } = await show({ language: "python", content: LEAK });
    await until("a finding", () => codes(uri) === "PT07");
    assert.equal(found(uri)[0].code.target.scheme, "command");
    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", uri, found(uri)[0].range.start);
    const told = hovers.flatMap(({ contents }) => contents.map(({ value }) => value)).join("\n");
    assert.match(told, /^# PT07/); // VS Code tells the finding itself
    await vscode.commands.executeCommand("oakum.explainRule", "PT07");
    await until("its page", () => tabs().some((label) => /^Preview PT07/.test(label)));
    await close();
    await until("nothing is left of it", () => found(uri).length === 0);
  },

  "settings hold at once": async () => {
    const { uri } = await show(file("settings.py", LEAK));
    await until("a finding", () => codes(uri) === "PT07");
    await vscode.commands.executeCommand("oakum.toggle");
    await until("silence", () => found(uri).length === 0);
    await vscode.commands.executeCommand("oakum.toggle");
    await until("the finding again", () => codes(uri) === "PT07");
    await set("severity", { PT07: "hint" });
    await until("a hint", () => found(uri)[0]?.severity === vscode.DiagnosticSeverity.Hint);
    await set("severity", undefined);
    await set("ignore", ["PT07"]);
    await until("silence", () => found(uri).length === 0);
    await set("ignore", undefined);
    await until("a warning", () => found(uri)[0]?.severity === vscode.DiagnosticSeverity.Warning);
  },

  "with run = onSave, typing brings nothing and saving does": async () => {
    await anew(() => set("run", "onSave"));
    const document = await show(file("saved.py", LEAK.replace("    total += loss\n", "")));
    await until("it was looked at", () => api.server.latency !== undefined);
    await pause(500);
    await edit(document, new vscode.Position(10, 0), "    total += loss\n");
    await pause(1500);
    assert.equal(codes(document.uri), "");
    await document.save();
    await until("a finding", () => codes(document.uri) === "PT07");
    await anew(() => set("run", undefined));
  },

  "a file that is renamed takes its findings along": async () => {
    const { uri } = await show(file("before.py", LEAK));
    await until("a finding", () => codes(uri) === "PT07");
    const change = new vscode.WorkspaceEdit();
    const renamed = vscode.Uri.joinPath(root(), "after.py");
    change.renameFile(uri, renamed);
    assert.ok(await vscode.workspace.applyEdit(change));
    await until("the finding under the new name", () => codes(renamed) === "PT07");
    await until("none under the old", () => found(uri).length === 0);
    await close();
    await until("none once it is closed", () => found(renamed).length === 0);
  },

  "all that is safe is fixed by one command": async () => {
    const document = await show(file("safe.py", SAFE));
    await until("a finding", () => found(document.uri).length > 0);
    await vscode.commands.executeCommand("oakum.fixFile");
    await until("it is gone", () => found(document.uri).length === 0);
    assert.equal(document.getText(), SAFE_FIXED);
    await document.save();
  },

  "all that is safe is fixed on save, in a file and in cells": async () => {
    const all = vscode.workspace.getConfiguration();
    const onSave = { "source.fixAll.oakum": "explicit" };
    await all.update("editor.codeActionsOnSave", onSave, vscode.ConfigurationTarget.Global);
    await all.update("notebook.codeActionsOnSave", onSave, vscode.ConfigurationTarget.Global);
    const document = await show(file("onsave.py", SAFE));
    await until("a finding", () => found(document.uri).length > 0);
    await edit(document, new vscode.Position(4, 0), "x = 1\n");
    // Saving waits for a fix a fifth of a second and no longer: a busy machine may need another go.
    const save = () => vscode.commands.executeCommand("workbench.action.files.save");
    await until("fixed on disk", async () => {
      await save();
      return fs.readFileSync(document.uri.fsPath, "utf8") === `${SAFE_FIXED}x = 1\n`;
    });

    const cells = ["import torch", "x = 1\ntorch.autograd.detect_anomaly()"];
    const uri = file("onsave.ipynb", JSON.stringify(notebook(cells)));
    const book = await vscode.workspace.openNotebookDocument(uri);
    await vscode.window.showNotebookDocument(book);
    const cell = book.cellAt(1).document;
    await until("a finding in the cell", () => found(cell.uri).length > 0);
    await edit(cell, new vscode.Position(0, 0), "y = 2\n");
    await until("fixed in the cell, and on disk", async () => {
      await save();
      return /^y = 2\nx = 1\n?$/.test(cell.getText()) && !fs.readFileSync(uri.fsPath, "utf8").includes("detect_anomaly");
    });
  },

  "the workspace is checked, and what is open isn't told twice": async () => {
    const uri = file("closed.py", LEAK);
    await vscode.commands.executeCommand("oakum.checkWorkspace");
    await until("a finding in a closed file", () => codes(uri) === "PT07");
    await show(uri);
    await pause(1500);
    assert.equal(codes(uri), "PT07");
  },

  "in the mode workspace, files that are closed are followed": async () => {
    const uri = file("followed.py", LEAK);
    await anew(() => set("diagnosticMode", "workspace"));
    await until("a finding in a closed file", () => codes(uri) === "PT07");
    await show(uri);
    await pause(1500);
    assert.equal(codes(uri), "PT07");
    await close();
    await pause(3000);
    assert.equal(codes(uri), "PT07");
    await anew(() => set("diagnosticMode", undefined));
    await until("silence", () => found(uri).length === 0);
  },

  "a report names versions and settings that were made": async () => {
    await set("level", "hint");
    await vscode.commands.executeCommand("oakum.report");
    const text = vscode.window.activeTextEditor.document.getText();
    assert.ok(text.includes(`server ${api.server.version} (running; Python 3.`), text);
    assert.match(text, /Time of an analysis/);
    assert.ok(text.includes('`oakum.level`: `"hint"`'), text);
    await set("level", undefined);
  },

  "another Python is selected: the server changes over": async () => {
    const python = path.join(root().fsPath, "another-python");
    fs.symlinkSync(process.env.OAKUM_TEST_PYTHON, python);
    vscode.extensions.getExtension("ms-python.python").exports.select(python);
    await until("the server runs on it", () => api.server.phase === "running" && api.server.command.command === python);
  },

  "a server that dies is there again, one that keeps dying is given up and can be restarted": async () => {
    const { uri } = await show(file("crash.py", LEAK));
    await until("a finding", () => codes(uri) === "PT07");
    for (let crash = 1; crash <= 4; crash++) {
      const pid = api.server.client.serverProcess.pid;
      process.kill(pid, "SIGKILL");
      await until("it is noticed", () => api.server.client?.serverProcess?.pid !== pid || api.server.phase !== "running");
      if (crash < 4) {
        await until("another one runs", () => api.server.phase === "running");
        await until("the finding again", () => codes(uri) === "PT07");
      }
    }
    await until("it is given up", () => api.server.phase === "failed");
    await until("no finding is left behind", () => found(uri).length === 0);
    await vscode.commands.executeCommand("oakum.restart");
    await until("the finding again", () => codes(uri) === "PT07");
  },

  "a server of one's own is used, and its version is seen": async () => {
    const own = path.join(root().fsPath, "own-oakum");
    const older = "import oakum; oakum.__version__ = '0.0.9'; from oakum.cli import main; raise SystemExit(main())";
    fs.writeFileSync(own, `#!/bin/sh\nexec ${process.env.OAKUM_TEST_PYTHON} -c "${older}" "$@"\n`, { mode: 0o755 });
    await anew(() => set("path", own));
    assert.equal(api.server.version, "0.0.9");
    const { uri } = await show(file("own.py", LEAK));
    await until("a finding", () => codes(uri) === "PT07");
    await anew(() => set("path", undefined));
  },

  "a command that isn't there is told of, and can be taken back": async () => {
    await set("path", "/no/such/oakum");
    await until("it fails", () => api.server.phase === "failed");
    await anew(() => set("path", undefined));
    await set("interpreter", "/no/such/python");
    await until("it fails", () => api.server.phase === "failed");
    await anew(() => set("interpreter", undefined));
  },
};

exports.run = async () => {
  const results = [];
  for (const [name, test] of Object.entries(TESTS)) {
    const start = Date.now();
    log = [];
    const error = await test().then(() => "", (reason) => String(reason?.stack ?? reason));
    results.push({ name: [name, ...log].join("; "), seconds: (Date.now() - start) / 1000, error });
    await close();
  }
  fs.writeFileSync(process.env.OAKUM_TEST_RESULTS, JSON.stringify(results));
};

function file(name, text) {
  const uri = vscode.Uri.joinPath(root(), name);
  fs.writeFileSync(uri.fsPath, text);
  return uri;
}

async function show(what) {
  const document = await vscode.workspace.openTextDocument(what);
  await vscode.window.showTextDocument(document);
  return document;
}

async function edit(document, position, text) {
  const change = new vscode.WorkspaceEdit();
  change.insert(document.uri, position, text);
  assert.ok(await vscode.workspace.applyEdit(change));
}

function notebook(sources) {
  const cells = sources.map((source) => ({ cell_type: "code", metadata: {}, source, execution_count: null, outputs: [] }));
  return { cells, metadata: { language_info: { name: "python" } }, nbformat: 4, nbformat_minor: 4 };
}

const tabs = () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ label }) => label));

/** Close all editors; what was changed in them is not asked about. */
async function close() {
  for (const document of vscode.workspace.textDocuments.filter(({ isDirty }) => isDirty)) {
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  }
  await vscode.commands.executeCommand("workbench.action.closeAllEditors");
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(what, question, within = 30_000) {
  for (const end = Date.now() + within; Date.now() < end; await pause(30)) {
    if (await question()) return;
  }
  throw new Error(`waited in vain: ${what}`);
}
