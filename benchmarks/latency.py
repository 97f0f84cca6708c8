"""How long an editor waits from a keystroke to the diagnostics of that text: Oakum and ruff, side by side.

    python benchmarks/latency.py [--edits N]

Talks to both servers as an editor does. Letters are typed at the ends of names in function bodies and deleted again; for each
keystroke, the change and the question for diagnostics go out together, and the answer is waited for. The servers take turns at
every keystroke, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from training_code import training_code

LENGTHS = (1_400, 5_300)
SERVERS = {
    "Oakum": [sys.executable, "-m", "oakum", "server"],
    "ruff": [sys.executable, "-m", "ruff", "server"],
}
# Codes with which a server asks to be asked again: the text changed meanwhile, or it was busy.
AGAIN = (-32801, -32802)


class Server:
    """A language server on standard input and output, and the one document that it has open."""

    def __init__(self, command: list[str], root: Path) -> None:
        self.process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.process.stdin
        assert self.process.stdout
        self._in: IO[bytes] = self.process.stdin
        self._out: IO[bytes] = self.process.stdout
        self._ids = itertools.count(1)
        self._version = 0
        self._uri = ""
        self._result: str | None = None
        capabilities = {
            "general": {"positionEncodings": ["utf-16"]},
            "textDocument": {"diagnostic": {"dynamicRegistration": False}, "synchronization": {}},
        }
        folder = {"uri": root.as_uri(), "name": root.name}
        answer = self.request(
            "initialize",
            {"processId": os.getpid(), "rootUri": folder["uri"], "workspaceFolders": [folder], "capabilities": capabilities},
        )
        if "diagnosticProvider" not in answer["capabilities"]:
            sys.exit(f"{command} can't be asked for diagnostics")
        self.notify("initialized", {})

    def open(self, path: Path) -> None:
        self._uri, self._result = path.as_uri(), None
        document = {"uri": self._uri, "languageId": "python", "version": self._version, "text": path.read_text(encoding="utf-8")}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def type(self, edit: dict[str, Any]) -> None:
        self._version += 1
        document = {"uri": self._uri, "version": self._version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [edit]})

    def diagnostics(self) -> list[dict[str, Any]] | None:
        """The diagnostics of the text as it is now; None when they are those of the last answer."""
        question: dict[str, Any] = {"textDocument": {"uri": self._uri}}
        if self._result:
            question["previousResultId"] = self._result
        answer = self.request("textDocument/diagnostic", question)
        self._result = answer.get("resultId")
        return answer.get("items")

    def close(self) -> None:
        self.request("shutdown", None)
        self.notify("exit", None)
        self.process.wait(timeout=10)

    def cpu(self) -> float:
        """Seconds of CPU time that the server has taken so far (Linux alone tells)."""
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError:
            return 0.0
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def request(self, method: str, params: Any) -> Any:
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" in message:
                if "id" in message:  # the server's own questions
                    self._send({"id": message["id"], "result": None})
            elif message["id"] == number:
                if "error" not in message:
                    return message["result"]
                if message["error"]["code"] not in AGAIN:
                    sys.exit(f"{method}: {message['error']['message']}")
                number = next(self._ids)
                self._send({"id": number, "method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._in.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._in.flush()

    def _receive(self) -> dict[str, Any]:
        length = 0
        while (line := self._out.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not line:
            sys.exit(f"{self.process.args} has ended")
        return json.loads(self._out.read(length))


@dataclass(slots=True)
class Measured:
    """What one server took for one file, in milliseconds."""

    opening: float = 0.0
    waits: list[float] = field(default_factory=list[float])
    cpu: float = 0.0
    found: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.waits)

    @property
    def late(self) -> float:
        """What 95 of 100 keystrokes are faster than."""
        return statistics.quantiles(self.waits, n=20)[-1]


def keystrokes(text: str, count: int) -> Iterator[dict[str, Any]]:
    """Edits that type a letter at the end of a name in an indented line, and delete it again."""
    ends = [
        (number, match.end())
        for number, line in enumerate(text.splitlines())
        if line.startswith("        ")
        for match in re.finditer(r"\b[a-z]\w+\b", line)
    ]
    chosen = random.Random(count)
    for _ in range(count // 2):
        line, column = chosen.choice(ends)
        start, end = {"line": line, "character": column}, {"line": line, "character": column + 1}
        yield {"range": {"start": start, "end": start}, "text": "x"}
        yield {"range": {"start": start, "end": end}, "text": ""}


def measure(lines: int, edits: int) -> dict[str, Measured]:
    """Both servers on one file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve() / "experiments.py"
        text = training_code(lines)
        path.write_text(text, encoding="utf-8")
        servers = {name: Server(command, path.parent) for name, command in SERVERS.items()}
        measured = {name: Measured() for name in servers}
        first: dict[str, Any] = {}
        for name, server in servers.items():
            started = time.perf_counter()
            server.open(path)
            first[name] = server.diagnostics()
            measured[name].opening = 1000 * (time.perf_counter() - started)
            measured[name].found = len(first[name])
            measured[name].cpu = -1000 * server.cpu() / edits
        last = dict(first)
        for edit in keystrokes(text, edits):
            for name, server in servers.items():
                started = time.perf_counter()
                server.type(edit)
                answer = server.diagnostics()
                measured[name].waits.append(1000 * (time.perf_counter() - started))
                last[name] = last[name] if answer is None else answer
        for name, server in servers.items():
            measured[name].cpu += 1000 * server.cpu() / edits
            if last[name] != first[name]:
                sys.exit(f"{name} ends with other diagnostics of the same text than it began with")
            server.close()
    return measured


def table(edits: int) -> Iterator[str]:
    """The figures as Markdown."""
    yield "| | lines | found | open | median | 95 % | CPU an edit |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for lines in LENGTHS:
        measured = measure(lines, edits)
        for name, one in measured.items():
            yield (
                f"| {name} | {lines:,} | {one.found} | {one.opening:.0f} ms | {one.median:.1f} ms | {one.late:.1f} ms "
                f"| {one.cpu:.1f} ms |"
            )
        ours, theirs = measured["Oakum"], measured["ruff"]
        ratios = (ours.opening / theirs.opening, ours.median / theirs.median, ours.late / theirs.late)
        cpu = f"{ours.cpu / theirs.cpu:.2f}" if theirs.cpu else "-"
        yield f"| **ratio** | {lines:,} | | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} | {cpu} |"


def main() -> int:
    parser = argparse.ArgumentParser(description="Time keystrokes to diagnostics, beside ruff.")
    parser.add_argument("--edits", type=int, default=200, metavar="N", help="keystrokes in each file (default: 200)")
    for row in table(parser.parse_args().edits):
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
