/** Pages of rules, in VS Code's own preview of Markdown. */

import * as vscode from "vscode";
import type { Server } from "./server";

const SCHEME = "oakum-rule";

interface Rule {
  code: string;
  smell: string;
  category: string;
  subcategory: string;
  page: string;
}

export class Rules implements vscode.TextDocumentContentProvider {
  constructor(private readonly server: Server) {}

  register(): vscode.Disposable {
    return vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    return this.server.run("explain", uri.query);
  }

  /** Show the page of a rule; without a code, let the user search all of them. */
  async explain(code?: string): Promise<void> {
    const rules = JSON.parse(await this.server.run("rules", "--output-format", "json")) as Rule[];
    const rule = code ? rules.find((candidate) => candidate.code === code) : await pick(rules);
    if (rule) {
      const uri = vscode.Uri.from({
        scheme: SCHEME,
        path: `/${rule.code} ${rule.smell.replaceAll("/", "∕")}.md`,
        query: rule.code,
      });
      await vscode.commands.executeCommand("markdown.showPreviewToSide", uri);
    }
  }
}

async function pick(rules: Rule[]): Promise<Rule | undefined> {
  const items = rules.map((rule) => ({
    label: `${rule.code} ${rule.smell}`,
    description: `${rule.category}, ${rule.subcategory}`,
    detail: rule.page.split("\n", 1)[0] ?? "",
    rule,
  }));
  const options = { placeHolder: "Search the rules", matchOnDescription: true, matchOnDetail: true };
  return (await vscode.window.showQuickPick(items, options))?.rule;
}
