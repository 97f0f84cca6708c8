/** The extension's front: what VS Code tells it, and the commands that it offers. */

import * as os from "node:os";
import * as vscode from "vscode";
import { pythonExtension } from "./command";
import { Rules } from "./rules";
import { message, Server } from "./server";
import { showStatus } from "./status";
import { Workspace } from "./workspace";

let server: Server | undefined;

/** For tests: what runs, when it is ready, and how many milliseconds VS Code had to wait for the extension. */
export interface Api {
  server: Server;
  ready: Promise<void>;
  took: number;
}

export function activate(context: vscode.ExtensionContext): Api {
  const start = performance.now();
  const running = (server = new Server(context));
  const rules = new Rules(running);
  const workspace = new Workspace(running);
  const command = (name: string, run: (...args: never[]) => unknown): vscode.Disposable =>
    vscode.commands.registerCommand(`oakum.${name}`, run);
  context.subscriptions.push(
    running,
    workspace,
    showStatus(running),
    rules.register(),
    command("restart", () => running.restart()),
    command("showLogs", () => running.log.show()),
    command("fixFile", () => fixFile(running)),
    command("explainRule", (code?: string) => rules.explain(code).catch((error) => running.log.error(message(error)))),
    command("checkWorkspace", () => workspace.check()),
    command("toggle", toggle),
    command("report", () => report(context, running)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (["interpreter", "path", "run", "diagnosticMode"].some((name) => event.affectsConfiguration(`oakum.${name}`))) {
        void running.restart();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => running.reconsider()),
  );
  const ready = running.restart();
  void ready.then(() => followPython(context, running));
  return { server: running, ready, took: performance.now() - start };
}

export function deactivate(): Promise<void> | undefined {
  return server?.stop();
}

/** Another Python may be selected while VS Code runs. */
function followPython(context: vscode.ExtensionContext, running: Server): void {
  const python = pythonExtension();
  if (python?.isActive) {
    context.subscriptions.push(python.exports.environments.onDidChangeActiveEnvironmentPath(() => running.reconsider()));
  }
}

async function fixFile(running: Server): Promise<void> {
  const cell = vscode.window.activeNotebookEditor?.notebook.getCells().find(({ document }) => document.languageId === "python");
  const document = cell?.document ?? vscode.window.activeTextEditor?.document;
  if (document && (await running.fixAll(document.uri)) === 0) {
    vscode.window.setStatusBarMessage("Oakum: nothing here is safe to fix unread", 5000);
  }
}

async function toggle(): Promise<void> {
  const settings = vscode.workspace.getConfiguration("oakum");
  const target = vscode.workspace.workspaceFolders ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
  await settings.update("enable", !settings.get("enable", true), target);
}

/** A page with all that a maintainer has to know, for the user to read, complete and send. Nothing is sent from here. */
async function report(context: vscode.ExtensionContext, running: Server): Promise<void> {
  const settings = vscode.workspace.getConfiguration("oakum");
  const made = Object.keys(context.extension.packageJSON.contributes.configuration.properties)
    .map((name) => name.slice("oakum.".length))
    .filter((name) => JSON.stringify(settings.get(name)) !== JSON.stringify(settings.inspect(name)?.defaultValue))
    .map((name) => `- \`oakum.${name}\`: \`${JSON.stringify(settings.get(name))}\``);
  const content = [
    "# A problem with Oakum",
    "What I did, what I saw, and what I expected:",
    "The code, as little of it as shows the problem:\n\n```python\n\n```",
    [
      `- extension ${context.extension.packageJSON.version}, ${vscode.env.appName} ${vscode.version}`,
      `- server ${running.version || "none"} (${running.phase}; ${running.runsOn || "no Python"})`,
      `- ${os.platform()} ${os.release()}, remote: ${vscode.env.remoteName ?? "no"}`,
      ...made,
    ].join("\n"),
    ...[await running.describe()].filter(Boolean).map((text) => `\`\`\`text\n${text.trim()}\n\`\`\``),
    "The log is behind the command *Oakum: Show Logs*.",
  ].join("\n\n");
  await vscode.window.showTextDocument(
    await vscode.workspace.openTextDocument({ language: "markdown", content: `${content}\n` }),
  );
}
