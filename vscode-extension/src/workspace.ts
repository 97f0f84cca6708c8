/** Findings in files of the workspace that are not open. Of those that are, the server tells by itself. */

import * as path from "node:path";
import * as vscode from "vscode";
import { message, page, type Phase, type Server } from "./server";

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
  private running: Promise<void> | undefined;
  private stale = false;
  private phase: Phase = "stopped";

  constructor(private readonly server: Server) {
    const watcher = vscode.workspace.createFileSystemWatcher("**/*.{py,pyi,ipynb}", true);
    const forget = (uri: vscode.Uri): void => this.found.delete(uri);
    this.listeners = vscode.Disposable.from(
      watcher,
      watcher.onDidChange(forget),
      watcher.onDidDelete(forget),
      vscode.workspace.onDidOpenTextDocument((document) => forget(document.uri)),
      vscode.workspace.onDidOpenNotebookDocument((book) => forget(book.uri)),
      vscode.workspace.onDidSaveTextDocument(({ languageId }) => languageId === "python" && this.follow()),
      vscode.workspace.onDidSaveNotebookDocument(() => this.follow()),
      vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("oakum") && this.follow()),
      server.onDidChange(() => {
        if (server.phase !== this.phase && (this.phase = server.phase) === "running") {
          this.follow();
        }
      }),
    );
  }

  /** Look at all files once, as the command does. */
  async check(): Promise<void> {
    const title = "Oakum checks the workspace";
    try {
      const count = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => this.look());
      vscode.window.setStatusBarMessage(
        count === 0 ? "Oakum finds no leak in files that are not open" : `Oakum finds leaks in ${count} closed files`,
        8000,
      );
      await vscode.commands.executeCommand("workbench.actions.view.problems");
    } catch (error) {
      void vscode.window.showErrorMessage(`Oakum could not check the workspace: ${message(error)}`);
    }
  }

  dispose(): void {
    this.listeners.dispose();
    this.found.dispose();
  }

  /** In the mode `workspace`, keep up with what is on disk. In the other, what was said under earlier settings is taken back. */
  private follow(): void {
    const settings = vscode.workspace.getConfiguration("oakum");
    if (settings.get("diagnosticMode") !== "workspace" || !settings.get("enable", true) || this.server.checksWorkspace) {
      this.found.clear();
      return;
    }
    if (this.running) {
      this.stale = true;
      return;
    }
    this.running = this.look()
      .then(() => undefined)
      .catch((error) => this.server.log.warn(`the workspace could not be checked: ${message(error)}`))
      .finally(() => {
        this.running = undefined;
        if (this.stale) {
          this.stale = false;
          this.follow();
        }
      });
  }

  /** Check what is on disk; the number of closed files with findings. */
  private async look(): Promise<number> {
    const folders = (vscode.workspace.workspaceFolders ?? [])
      .filter(({ uri }) => uri.scheme === "file")
      .map(({ uri }) => uri.fsPath);
    if (folders.length === 0) {
      return 0;
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
    return byFile.size;
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
