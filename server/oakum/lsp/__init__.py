"""The language server: a thin shell around `oakum.analysis` for editors. The only folder that knows the protocol."""

from oakum.lsp.server import main

__all__ = ["main"]
