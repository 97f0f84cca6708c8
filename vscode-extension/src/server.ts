/** The server: how it is started, talked to, restarted and ended. */

import { execFile } from "node:child_process";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  type LanguageClientOptions,
} from "vscode-languageclient/node";
import { findCommand, takeBack, Trouble, type Command } from "./command";
import { Crashes, fits, forServer } from "./policy";

export const SELECTOR = [
  { scheme: "file", language: "python" },
  { scheme: "untitled", language: "python" },
  { scheme: "vscode-vfs", language: "python" },
  { notebook: "*", language: "python" },
];

const FIX_ALL = vscode.CodeActionKind.SourceFixAll.append("oakum");

/** What stands between the sections of a hover. */
const SECTIONS = "\n\n---\n\n";

/** The server would show a rule's page in a browser; here it is shown in the editor. */
const EXPLAIN = "oakum.explain";

export type Phase = "starting" | "running" | "stopped" | "failed";

export class Server implements vscode.Disposable {
  phase: Phase = "stopped";
  version = "";
  /** Milliseconds that the last answer with findings took. */
  latency: number | undefined;
  private client: LanguageClient | undefined;
  private command: Command | undefined;
  private shown: vscode.DiagnosticCollection | undefined;
  private crashes = new Crashes();
  private queue: Promise<void> = Promise.resolve();
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  readonly log = vscode.window.createOutputChannel("Oakum", { log: true });

  private readonly closing = vscode.workspace.onDidCloseTextDocument(({ uri }) => this.forget(uri));

  constructor(private readonly context: vscode.ExtensionContext) {}

  get runsOn(): string {
    return this.command?.by ?? "";
  }

  /** Start anew because the user, or a setting, wants it: what crashed before counts no more. */
  restart(): Promise<void> {
    this.crashes = new Crashes();
    return this.again();
  }

  /** Start anew, with the settings of now. Wishes that come meanwhile wait their turn. */
  private again(): Promise<void> {
    this.queue = this.queue.then(async () => {
      await this.end();
      await this.begin().catch((error) => this.fail(error));
    });
    return this.queue;
  }

  stop(): Promise<void> {
    this.queue = this.queue.then(() => this.end());
    return this.queue;
  }

  /** Start anew if another Python or another command would be used now. */
  async reconsider(): Promise<void> {
    const now = await findCommand(this.home, this.log).catch(() => undefined);
    if (now && (now.command !== this.command?.command || this.phase === "failed")) {
      await this.restart();
    }
  }

  /** Run the command beside the server, as for a page of a rule. Its exit status 1 means that it found something. */
  async run(...args: string[]): Promise<string> {
    const { command, args: first } = this.command ?? (await findCommand(this.home, this.log));
    return new Promise((resolve, reject) => {
      const options = { cwd: this.home, maxBuffer: 1 << 28, windowsHide: true };
      execFile(command, [...first, ...args], options, (error, stdout, stderr) =>
        error && error.code !== 1 ? reject(new Error(stderr.trim() || error.message)) : resolve(stdout),
      );
    });
  }

  /** What the server tells of itself, for a report of a problem. */
  async describe(): Promise<string> {
    return (await this.execute<string>("oakum.status")) ?? "";
  }

  /** Make every safe fix in a document, in all cells of a cell's notebook; answers how many there were. */
  async fixAll(uri: vscode.Uri): Promise<number> {
    return (await this.execute<{ fixed: number }>("oakum.fixAll", uri.toString()))?.fixed ?? 0;
  }

  /** The folder that commands run in: never one of the workspace. */
  get home(): string {
    return this.context.asAbsolutePath("bundled");
  }

  dispose(): void {
    this.closing.dispose();
    this.changed.dispose();
    this.log.dispose();
  }

  /** One of the server's own commands; nothing if it has no such command, as an older one of the user's may. */
  private async execute<T>(command: string, ...args: unknown[]): Promise<T | undefined> {
    const client = this.client;
    const known = client?.initializeResult?.capabilities.executeCommandProvider?.commands ?? [];
    return client && known.includes(command)
      ? client.sendRequest<T>("workspace/executeCommand", { command, arguments: args })
      : undefined;
  }

  private async begin(): Promise<void> {
    this.is("starting");
    const found = (this.command = await findCommand(this.home, this.log));
    this.log.info(`${found.command} ${found.args.join(" ")} (${found.by})`);
    const client = new LanguageClient(
      "oakum",
      "Oakum",
      { command: found.command, args: [...found.args, "server"], options: { cwd: this.home } },
      this.options(),
    );
    this.client = client;
    await client.start();
    this.version = client.initializeResult?.serverInfo?.version ?? "";
    this.is("running");
    this.compare(found);
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.latency = undefined;
    this.is("stopped");
    try {
      await client?.dispose();
    } catch (error) {
      this.log.debug(`the server did not end well: ${error}`); // it is gone; that is all that matters
    }
  }

  /** The server has ended by itself. Nobody has to know, unless it keeps doing so. */
  private revive(): void {
    if (this.crashes.allow()) {
      void this.again();
    } else {
      const sentence = `Oakum's server ended ${this.crashes.most} times within three minutes. It is not started again.`;
      this.fail(new Trouble(sentence, "Show Logs", () => this.log.show()));
    }
  }

  private options(): LanguageClientOptions {
    const onType = vscode.workspace.getConfiguration("oakum").get("run") !== "onSave";
    return {
      documentSelector: SELECTOR,
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      diagnosticCollectionProvider: {
        create: (name) => (this.shown = vscode.languages.createDiagnosticCollection(name)),
        dispose: (collection) => collection.dispose(),
      },
      diagnosticPullOptions: { onChange: onType, onSave: true },
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          if (this.phase === "running") {
            this.revive();
          }
          return { action: CloseAction.DoNotRestart, message: "the server has ended", handled: true };
        },
      },
      middleware: {
        workspace: {
          configuration: async (params, token, next) => {
            const answer = await next(params, token);
            return Array.isArray(answer)
              ? answer.map((item, index) => (params.items[index]?.section === "oakum" ? forServer(item) : item))
              : answer;
          },
        },
        executeCommand: (command, args, next) =>
          command === EXPLAIN ? vscode.commands.executeCommand("oakum.explainRule", ...args) : next(command, args),
        provideHover: async (document, position, token, next) => {
          const hover = await next(document, position, token);
          hover?.contents.forEach(
            (part) => part instanceof vscode.MarkdownString && leaveOut(part, findingsAt(document, position)),
          );
          return hover;
        },
        provideDiagnostics: async (document, previous, token, next) => {
          const start = performance.now();
          const report = await next(document, previous, token);
          this.latency = performance.now() - start;
          if (report?.kind === "full") {
            report.items.forEach(linkToPage);
          }
          this.changed.fire();
          return report;
        },
        handleDiagnostics: (uri, diagnostics, next) => {
          diagnostics.forEach(linkToPage);
          next(uri, diagnostics);
        },
        provideCodeActions: async (document, range, context, token, next) => {
          const actions = await next(document, range, context, token);
          const offered = vscode.workspace.getConfiguration("oakum").get("fixAll", true);
          return offered
            ? actions
            : actions?.filter((action) => !("kind" in action && action.kind && FIX_ALL.contains(action.kind)));
        },
      },
    };
  }

  private compare(found: Command): void {
    const expected: string = this.context.extension.packageJSON.version;
    if (!fits(this.version, expected)) {
      const which = this.version ? `is Oakum ${this.version}` : "doesn't tell its version";
      void this.tell(
        "Warning",
        new Trouble(
          `The server of ${found.by}, ${found.command}, ${which}; this extension is made for ${expected}.`,
          "Use the Bundled Server",
          () => takeBack("path"),
        ),
      );
    }
  }

  private fail(error: unknown): void {
    this.log.error(String(error));
    this.is("failed");
    const sentence = `Oakum's server doesn't start: ${message(error)}`;
    const trouble = error instanceof Trouble ? error : new Trouble(sentence, "Show Logs", () => this.log.show());
    void this.tell("Error", trouble);
  }

  private async tell(how: "Warning" | "Error", trouble: Trouble): Promise<void> {
    if ((await vscode.window[`show${how}Message`](trouble.message, trouble.button)) === trouble.button) {
      await trouble.remedy();
    }
  }

  /**
   * The client leaves it to a server that checks the whole workspace to tell of files that were closed. Where that is not
   * wanted, nobody would take back what was said of them.
   */
  private forget(uri: vscode.Uri): void {
    if (vscode.workspace.getConfiguration("oakum").get("diagnosticMode") !== "workspace") {
      this.shown?.delete(uri);
    }
  }

  private is(phase: Phase): void {
    this.phase = phase;
    this.changed.fire();
  }
}

function findingsAt({ uri }: vscode.TextDocument, position: vscode.Position): number {
  return vscode.languages.getDiagnostics(uri).filter(({ source, range }) => source === "oakum" && range.contains(position))
    .length;
}

/** The server's hover starts with a section for each finding. VS Code tells these by itself: the pages of the rules are left. */
function leaveOut(hover: vscode.MarkdownString, findings: number): void {
  hover.value = hover.value.split(SECTIONS).slice(findings).join(SECTIONS) || hover.value;
}

/** The code of a finding leads to the page of its rule in the editor; no network is needed. */
function linkToPage(diagnostic: vscode.Diagnostic): void {
  const code = diagnostic.code;
  if (typeof code === "object" && diagnostic.source === "oakum") {
    code.target = page(String(code.value));
  }
}

/** A link to the page of a rule. */
export function page(code: string): vscode.Uri {
  return vscode.Uri.parse(`command:oakum.explainRule?${encodeURIComponent(JSON.stringify([code]))}`);
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
