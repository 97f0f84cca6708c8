/** Findings in files of the workspace that are not open. Of those that are, the server tells by itself. */

import * as path from "node:path";
import * as vscode from "vscode";
import { message, page, type Server } from "./server";

interface Place {
  path: string;
  cell?: number;
  line: number;
  column: number;
  message: string;
}

interface Finding extends Place {
  end_line: number;
  end_column: number;
  code: string;
  level: keyof typeof SEVERITIES;
  related: Place[];
}

const SEVERITIES = {
  warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
  hint: vscode.DiagnosticSeverity.Hint,
};

export class Workspace implements vscode.Disposable {
  private readonly found = vscode.languages.createDiagnosticCollection("oakum.workspace");
  private readonly listeners: vscode.Disposable;

  constructor(private readonly server: Server) {
    const watcher = vscode.workspace.createFileSystemWatcher("**/*.{py,pyi,ipynb}", true);
    const forget = (uri: vscode.Uri): void => this.found.delete(uri);
    this.listeners = vscode.Disposable.from(
      watcher,
      watcher.onDidChange(forget),
      watcher.onDidDelete(forget),
      vscode.workspace.onDidOpenTextDocument((document) => forget(document.uri)),
      vscode.workspace.onDidOpenNotebookDocument((book) => forget(book.uri)),
      vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("oakum") && this.found.clear()),
    );
  }

  /** Look at all files once. In the mode `workspace` the server does so all the time. */
  async check(): Promise<void> {
    const title = "Oakum checks the workspace";
    try {
      if (vscode.workspace.getConfiguration("oakum").get("diagnosticMode") !== "workspace") {
        await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => this.look());
      }
      await vscode.commands.executeCommand("workbench.actions.view.problems");
    } catch (error) {
      void vscode.window.showErrorMessage(`Oakum could not check the workspace: ${message(error)}`);
    }
  }

  dispose(): void {
    this.listeners.dispose();
    this.found.dispose();
  }

  private async look(): Promise<void> {
    const folders = (vscode.workspace.workspaceFolders ?? [])
      .filter(({ uri }) => uri.scheme === "file")
      .map(({ uri }) => uri.fsPath);
    if (folders.length === 0) {
      return;
    }
    const items = JSON.parse(await this.server.run("check", "--output-format", "json", ...chosen(), ...folders)) as Finding[];
    const open = new Set(
      [...vscode.workspace.textDocuments, ...vscode.workspace.notebookDocuments].map(({ uri }) => uri.toString()),
    );
    const byFile = new Map<string, vscode.Diagnostic[]>();
    for (const item of items) {
      const uri = this.uri(item);
      if (!open.has(uri.toString())) {
        byFile.set(uri.toString(), [...(byFile.get(uri.toString()) ?? []), this.diagnostic(item)]);
      }
    }
    this.found.clear();
    byFile.forEach((diagnostics, uri) => this.found.set(vscode.Uri.parse(uri), diagnostics));
  }

  private diagnostic(item: Finding): vscode.Diagnostic {
    const where = item.cell === undefined ? "" : `cell ${item.cell}, line ${item.line}: `;
    const range = new vscode.Range(item.line - 1, item.column - 1, item.end_line - 1, item.end_column - 1);
    const diagnostic = new vscode.Diagnostic(
      item.cell === undefined ? range : new vscode.Range(0, 0, 0, 0),
      where + item.message,
      SEVERITIES[item.level],
    );
    diagnostic.source = "oakum";
    diagnostic.code = { value: item.code, target: page(item.code) };
    diagnostic.relatedInformation = item.related.map((place) => {
      const at = new vscode.Position(place.line - 1, place.column - 1);
      return new vscode.DiagnosticRelatedInformation(new vscode.Location(this.uri(place), at), place.message);
    });
    return diagnostic;
  }

  private uri(place: Place): vscode.Uri {
    return vscode.Uri.file(path.resolve(this.server.home, place.path));
  }
}

/** The user's settings as options of the command line, as far as that has them. */
function chosen(): string[] {
  const settings = vscode.workspace.getConfiguration("oakum");
  const list = (name: string): string[] => settings.get<string[]>(name, []).flatMap((selector) => [`--${name}`, selector]);
  const level = settings.get<string | null>("level");
  const off = Object.entries(settings.get<Record<string, string>>("severity", {})).filter(([, loud]) => loud === "off");
  return [
    ...list("select"),
    ...list("ignore"),
    ...off.flatMap(([selector]) => ["--ignore", selector]),
    ...(level ? ["--level", level] : []),
  ];
}
