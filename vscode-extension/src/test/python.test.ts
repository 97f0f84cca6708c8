import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { test } from "node:test";
import { find, onPath, probeIn, type Candidate } from "../python";

const candidate = (command: string): Candidate => ({ command, args: [], from: "a test" });

test("the first Python that is new enough is taken, and nobody is asked after it", async () => {
  const versions: Record<string, string> = { old: "3.9.18\n", good: "3.10.0\n", better: "3.14.2\n" };
  const never = (): Promise<Candidate[]> => assert.fail("asked although one was found");
  const found = await find(
    [async () => [candidate("old")], async () => [candidate("good"), candidate("better")], never],
    async ({ command }) => versions[command] ?? "",
  );
  assert.deepEqual(found, { python: { command: "good", args: [], from: "a test", version: "3.10.0" } });
});

test("versions are compared as numbers", async () => {
  for (const [version, fits] of [
    ["2.7.18", false],
    ["3.9.20", false],
    ["3.10.1", true],
    ["4.0.0", true],
    ["", false],
    ["no number", false],
  ] as const) {
    const found = await find([async () => [candidate("it")]], async () => version);
    assert.equal(found.python !== undefined, fits, version);
  }
});

test("each candidate that failed is named with its reason", async () => {
  const found = await find([async () => [candidate("/no/such/python"), candidate("old")]], (asked) =>
    asked.command === "old" ? Promise.resolve("3.8.1") : probeIn(tmpdir())(asked),
  );
  assert.deepEqual(found, { tried: ["/no/such/python (a test): not found", "old (a test) is Python 3.8.1"] });
});

test("the real Python of this machine is found on PATH", async () => {
  const found = await find([async () => onPath(process.platform)], probeIn(tmpdir()));
  assert.match(found.python?.version ?? JSON.stringify(found), /^3\.\d+\.\d+$/);
});

test("on Windows the launcher comes first, elsewhere a newer Python may stand beside python3", () => {
  assert.deepEqual(onPath("win32")[0], { command: "py", args: ["-3"], from: "PATH" });
  const names = onPath("linux").map(({ command }) => command);
  assert.equal(names[0], "python3");
  assert.ok(names.includes("python3.10"));
});

test("nothing of the folder that a Python starts in is run", { skip: process.platform === "win32" }, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "oakum-"));
  writeFileSync(path.join(folder, "sitecustomize.py"), "raise SystemExit('ran code of the workspace')");
  writeFileSync(path.join(folder, "python3"), "#!/bin/sh\necho 9.9.9\n");
  chmodSync(path.join(folder, "python3"), 0o755);
  const found = await find([async () => [candidate("python3")]], probeIn(folder));
  assert.match(found.python?.version ?? JSON.stringify(found), /^3\./);
});
