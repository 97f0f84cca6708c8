/** What the extension carries, without VS Code: the manifest, and the bundled server over its pipes. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node";
import { forServer } from "../policy";

const EXTENSION = process.cwd();
const MANIFEST = JSON.parse(readFileSync("package.json", "utf8"));
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

test("the extension has the version of the server that it carries", () => {
  const server = /__version__ = "(.+)"/.exec(readFileSync("../server/oakum/__init__.py", "utf8"))?.[1];
  assert.equal(MANIFEST.version, server);
});

test("every command of the manifest is registered, and the other way round", () => {
  const registered = [...readFileSync("src/extension.ts", "utf8").matchAll(/\bcommand\("(\w+)"/g)].map(
    ([, name]) => `oakum.${name}`,
  );
  const declared = MANIFEST.contributes.commands.map((item: { command: string }) => item.command);
  assert.deepEqual(registered.sort(), declared.sort());
});

test("settings that name a program are not taken from an untrusted workspace", () => {
  const named = Object.entries(MANIFEST.contributes.configuration.properties).filter(([, value]) =>
    (value as { scope: string }).scope.startsWith("machine"),
  );
  assert.deepEqual(named.map(([name]) => name).sort(), MANIFEST.capabilities.untrustedWorkspaces.restrictedConfigurations.sort());
});

test("the sources stay few and small", () => {
  for (const name of readdirSync("src").filter((file) => file.endsWith(".ts"))) {
    const lines = readFileSync(path.join("src", name), "utf8").split("\n");
    assert.ok(lines.length <= 320, `${name} has ${lines.length} lines`);
    assert.deepEqual(
      lines.filter((line) => line.length > 130),
      [],
      name,
    );
  }
});

test(
  "the bundled server finds a leak, and has nothing to say about the settings of the manifest",
  { timeout: 30_000 },
  async () => {
    const child = spawn("python3", ["-I", path.join(EXTENSION, "bundled", "oakum_server.py"), "server"], { cwd: EXTENSION });
    const connection = createMessageConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
    const said: unknown[] = [];
    connection.onNotification("window/showMessage", (params) => {
      said.push(params);
    });
    connection.onRequest("client/registerCapability", () => null);
    connection.onRequest("workspace/configuration", () => [forServer(defaults())]);
    connection.listen();
    try {
      const capabilities = { workspace: { configuration: true }, textDocument: { diagnostic: { dynamicRegistration: false } } };
      const answer = await connection.sendRequest<{ serverInfo: { version: string } }>("initialize", {
        processId: process.pid,
        rootUri: null,
        capabilities,
      });
      assert.equal(answer.serverInfo.version, MANIFEST.version);
      await connection.sendNotification("initialized", {});
      const uri = "untitled:train.py";
      await connection.sendNotification("textDocument/didOpen", {
        textDocument: { uri, languageId: "python", version: 1, text: LEAK },
      });
      const report = await connection.sendRequest<{ items: { code: string }[] }>("textDocument/diagnostic", {
        textDocument: { uri },
      });
      assert.deepEqual(
        report.items.map(({ code }) => code),
        ["PT07"],
      );
      assert.deepEqual(said, []);
      await connection.sendRequest("shutdown");
      await connection.sendNotification("exit");
    } finally {
      connection.dispose();
      child.kill();
    }
  },
);

/** The section `oakum` as VS Code fills it in for a user who has set nothing. */
function defaults(): Record<string, unknown> {
  const section: Record<string, unknown> = {};
  for (const [name, { default: value }] of Object.entries<{ default: unknown }>(MANIFEST.contributes.configuration.properties)) {
    const [first = "", second] = name.split(".").slice(1);
    section[first] = second ? { [second]: value } : value;
  }
  return section;
}
