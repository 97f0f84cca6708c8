"""The bare protocol, for what no well-behaved client does or takes."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from typing import Any

from lsp.editor import PATIENCE


class Wire:
    """A line to a server."""

    def __init__(self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.process = process
        self.reader = reader
        self.writer = writer
        self.unasked: list[dict[str, Any]] = []
        self._number = 0

    def send(self, message: dict[str, Any] | bytes) -> None:
        body = message if isinstance(message, bytes) else json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def receive(self) -> dict[str, Any]:
        size = 0
        while (line := (await asyncio.wait_for(self.reader.readline(), PATIENCE)).strip()) or not size:
            if line.lower().startswith(b"content-length:"):
                size = int(line.partition(b":")[2])
        return json.loads(await self.reader.readexactly(size))

    async def ask(self, method: str, params: Any = None) -> dict[str, Any]:
        self._number += 1
        self.send({"id": self._number, "method": method, "params": params})
        while (message := await self.receive()).get("id") != self._number:
            self.unasked.append(message)
        return message

    async def begin(self, **more: Any) -> None:
        await self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}, **more})
        self.send({"method": "initialized", "params": {}})

    async def codes(self, uri: str, version: int) -> list[str]:
        while True:
            message = next(
                (
                    one
                    for one in reversed(self.unasked)
                    if one.get("method") == "textDocument/publishDiagnostics"
                    and (one["params"]["uri"], one["params"].get("version")) == (uri, version)
                ),
                None,
            )
            if message:
                return [item["code"] for item in message["params"]["diagnostics"]]
            self.unasked.append(await self.receive())

    def open(self, uri: str, version: int, text: str) -> None:
        item = {"uri": uri, "languageId": "python", "version": version, "text": text}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": item}})

    async def end(self) -> int:
        return await asyncio.wait_for(self.process.wait(), PATIENCE)
