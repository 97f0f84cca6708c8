import assert from "node:assert/strict";
import { test } from "node:test";
import { Crashes, fits, forServer } from "../policy";

test("the server sees its own settings only", () => {
  const section = {
    enable: true,
    diagnosticMode: "workspace",
    interpreter: "x",
    path: "",
    run: "onType",
    trace: { server: "off" },
  };
  assert.deepEqual(forServer(section), { enable: true, diagnosticMode: "workspace" });
  assert.equal(forServer(null), null);
});

test("before 1.0 a minor version may break, later a major one", () => {
  assert.ok(fits("0.1.7", "0.1.0"));
  assert.ok(!fits("0.2.0", "0.1.0"));
  assert.ok(!fits("1.0.0", "0.1.0"));
  assert.ok(fits("1.4.0", "1.0.2"));
  assert.ok(!fits("", "0.1.0"));
});

test("a server that keeps ending is given up, one that ends now and then is not", () => {
  const often = new Crashes(4, 1000);
  assert.deepEqual(
    [0, 1, 2, 3].map((time) => often.allow(time)),
    [true, true, true, false],
  );
  const rarely = new Crashes(4, 1000);
  assert.ok([0, 600, 1200, 1800, 2400, 3000].every((time) => rarely.allow(time)));
});
