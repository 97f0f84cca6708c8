/** How the command `oakum` is run: the user's own, or the bundled one on a Python of theirs. */

import * as path from "node:path";
import * as vscode from "vscode";
import { find, onPath, probeIn, type Candidate } from "./python";

export interface Command {
  command: string;
  args: string[];
  /** Who provides it, in words. */
  by: string;
}

/** Something that only the user can mend: a sentence, and one button that helps. */
export class Trouble extends Error {
  constructor(
    message: string,
    readonly button: string,
    readonly remedy: () => unknown,
  ) {
    super(message);
  }
}

/** As much of the Python extension's interface as is used. */
export interface PythonExtension {
  environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { path: string };
    resolveEnvironment(environment: { path: string }): Promise<{ executable: { uri?: vscode.Uri } } | undefined>;
    onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

export const pythonExtension = (): vscode.Extension<PythonExtension> | undefined =>
  vscode.extensions.getExtension("ms-python.python");

/** What the settings of now lead to. `home` is the folder of the bundled server. */
export async function findCommand(home: string, log: vscode.LogOutputChannel): Promise<Command> {
  const settings = vscode.workspace.getConfiguration("oakum");
  const own = settings.get<string>("path", "").trim();
  if (own) {
    return { command: own, args: [], by: "oakum.path" };
  }
  const chosen = settings.get<string>("interpreter", "").trim();
  const sources = chosen
    ? [async () => [{ command: chosen, args: [], from: "oakum.interpreter" }]]
    : [() => selected(log), async () => onPath(process.platform)];
  const found = await find(sources, probeIn(home));
  if (found.python) {
    const { command, args, version, from } = found.python;
    return { command, args: [...args, "-I", path.join(home, "oakum_server.py")], by: `Python ${version}, ${from}` };
  }
  found.tried.forEach((line) => log.warn(line));
  throw new Trouble(
    chosen
      ? `Oakum can't run with the interpreter of its settings: ${found.tried[0]}.`
      : "Oakum needs a Python, 3.10 or newer, to run on, and found none. Nothing has to be installed in it.",
    "Choose a Python",
    choose,
  );
}

/** Take a setting back wherever it is made. */
export async function takeBack(name: string): Promise<void> {
  const settings = vscode.workspace.getConfiguration("oakum");
  const made = settings.inspect(name);
  if (made?.workspaceValue !== undefined) {
    await settings.update(name, undefined, vscode.ConfigurationTarget.Workspace);
  }
  if (made?.globalValue !== undefined) {
    await settings.update(name, undefined, vscode.ConfigurationTarget.Global);
  }
}

/** The Python that is selected in the Python extension. Of a workspace that is not trusted, it may be a program of its author. */
async function selected(log: vscode.LogOutputChannel): Promise<Candidate[]> {
  const python = pythonExtension();
  if (!python || !vscode.workspace.isTrusted) {
    return [];
  }
  try {
    const { environments } = await python.activate();
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const environment = await environments.resolveEnvironment(environments.getActiveEnvironmentPath(folder));
    const command = environment?.executable.uri?.fsPath;
    return command ? [{ command, args: [], from: "the Python extension" }] : [];
  } catch (error) {
    log.warn(`the Python extension could not be asked: ${error}`);
    return [];
  }
}

async function choose(): Promise<void> {
  const [file] = (await vscode.window.showOpenDialog({ title: "A Python, 3.10 or newer", openLabel: "Use for Oakum" })) ?? [];
  if (file) {
    await vscode.workspace.getConfiguration("oakum").update("interpreter", file.fsPath, vscode.ConfigurationTarget.Global);
  }
}
