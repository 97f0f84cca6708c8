/** Which Python runs the server. Knows nothing of VS Code. */

import { execFile } from "node:child_process";

export const OLDEST: readonly [number, number] = [3, 10];

/** A way to start a Python, and who proposes it. */
export interface Candidate {
  command: string;
  args: string[];
  from: string;
}

export interface Python extends Candidate {
  version: string;
}

/** A Python, or else what became of each candidate, a line each. */
export type Found = { python: Python } | { python?: undefined; tried: string[] };

export type Probe = (candidate: Candidate) => Promise<string>;

/** The first candidate that starts and is new enough; candidates are asked for only as long as none was. */
export async function find(sources: Iterable<() => Promise<Candidate[]>>, probe: Probe): Promise<Found> {
  const tried: string[] = [];
  for (const source of sources) {
    for (const candidate of await source()) {
      const name = [candidate.command, ...candidate.args].join(" ");
      try {
        const version = (await probe(candidate)).trim();
        if (isNewEnough(version)) {
          return { python: { ...candidate, version } };
        }
        tried.push(`${name} (${candidate.from}) is ${version ? `Python ${version}` : "no Python"}`);
      } catch (error) {
        tried.push(`${name} (${candidate.from}): ${reason(error)}`);
      }
    }
  }
  return { tried };
}

/** Names under which a Python may be on PATH. A new one may stand beside an old `python3`. */
export function onPath(platform: NodeJS.Platform): Candidate[] {
  const names =
    platform === "win32"
      ? ["py -3", "python", "python3"]
      : ["python3", "python", ...[14, 13, 12, 11, 10].map((n) => `python3.${n}`)];
  return names.map((name) => {
    const [command = name, ...args] = name.split(" ");
    return { command, args, from: "PATH" };
  });
}

/**
 * Ask a Python for its version. It starts isolated and in a folder of ours: not even a `python3.exe` or a `sitecustomize.py`
 * that lies in the workspace can run.
 */
export function probeIn(folder: string): Probe {
  const question = ["-I", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"];
  return ({ command, args }) =>
    new Promise((resolve, reject) => {
      execFile(command, [...args, ...question], { cwd: folder, timeout: 15_000, windowsHide: true }, (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      );
    });
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ENOENT" ? "not found" : (String(message ?? error).split("\n", 1)[0] ?? "");
}
