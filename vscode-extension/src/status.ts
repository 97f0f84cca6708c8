/** The language status item: state, findings of the open file, version, and how long the last look took. */

import * as vscode from "vscode";
import { SELECTOR, type Server } from "./server";

export function showStatus(server: Server): vscode.Disposable {
  const item = vscode.languages.createLanguageStatusItem("oakum", SELECTOR);
  item.name = "Oakum";
  const update = (): void => {
    const enabled = vscode.workspace.getConfiguration("oakum").get("enable", true);
    item.busy = server.phase === "starting";
    item.severity = server.phase === "failed" ? vscode.LanguageStatusSeverity.Error : vscode.LanguageStatusSeverity.Information;
    item.text = {
      starting: "Oakum starts",
      stopped: "Oakum is stopped",
      failed: "Oakum doesn't run",
      running: enabled ? count() : "Oakum is off",
    }[server.phase];
    const took = server.latency === undefined ? "" : `${server.latency.toFixed(0)} ms`;
    item.detail = server.phase === "running" ? [server.version, server.runsOn, took].filter(Boolean).join(" · ") : "";
    item.command =
      server.phase === "failed"
        ? { title: "Show Logs", command: "oakum.showLogs" }
        : enabled
          ? { title: "Explain a Rule", command: "oakum.explainRule" }
          : { title: "Switch On", command: "oakum.toggle" };
  };
  update();
  return vscode.Disposable.from(
    item,
    server.onDidChange(update),
    vscode.languages.onDidChangeDiagnostics(update),
    vscode.window.onDidChangeActiveTextEditor(update),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("oakum.enable") && update()),
  );
}

/** Findings in the file that is looked at; in a notebook, in all of its cells. */
function count(): string {
  const book = vscode.window.activeNotebookEditor?.notebook;
  const uris = book ? book.getCells().map((cell) => cell.document.uri) : [vscode.window.activeTextEditor?.document.uri];
  const found = uris
    .flatMap((uri) => (uri ? vscode.languages.getDiagnostics(uri) : []))
    .filter(({ source }) => source === "oakum").length;
  return found === 0 ? "Oakum finds no leak" : `Oakum finds ${found} leak${found === 1 ? "" : "s"}`;
}
