const vscode = require("vscode");

exports.activate = () => {
  let selected = process.env.OAKUM_TEST_PYTHON;
  const changed = new vscode.EventEmitter();
  return {
    select: (path) => {
      selected = path;
      changed.fire({ path });
    },
    environments: {
      getActiveEnvironmentPath: () => ({ path: selected }),
      resolveEnvironment: async ({ path }) => ({ executable: { uri: vscode.Uri.file(path) } }),
      onDidChangeActiveEnvironmentPath: changed.event,
    },
  };
};
