/** What is decided about the server without VS Code. */

/** Settings that are the extension's own business; the server complains about names that it doesn't know. */
const OURS = new Set(["interpreter", "path", "run", "fixAll", "trace"]);

/** The section `oakum` as the server is to see it. */
export function forServer(section: unknown): unknown {
  if (typeof section !== "object" || section === null) {
    return section;
  }
  return Object.fromEntries(Object.entries(section).filter(([key]) => !OURS.has(key)));
}

/** Whether a server speaks as this extension expects: the same major version, and before 1.0 the same minor one. */
export function fits(server: string, extension: string): boolean {
  const [one, other] = [server, extension].map((version) => {
    const [major = "", minor = ""] = version.split(".");
    return major === "0" ? `0.${minor}` : major;
  });
  return one === other;
}

/** Counts crashes: a server that ends `most` times within `span` milliseconds is not started again. */
export class Crashes {
  private times: number[] = [];

  constructor(
    readonly most = 4,
    private readonly span = 180_000,
  ) {}

  /** Another one; whether to go on. */
  allow(now = Date.now()): boolean {
    this.times = [...this.times.filter((time) => now - time < this.span), now];
    return this.times.length < this.most;
  }
}
