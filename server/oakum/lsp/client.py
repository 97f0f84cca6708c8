"""What the editor can take."""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol import types
from pygls.capabilities import get_capability


@dataclass(frozen=True, slots=True)
class Client:
    """An editor's capabilities, as far as they matter here."""

    encoding: str = "utf-16"
    pulls: bool = False
    related: bool = False
    links: bool = False
    data: bool = False
    tags: bool = False
    markdown: bool = False
    actions: bool = False
    resolves: bool = False
    versioned_edits: bool = False
    annotates: bool = False
    applies: bool = False
    shows: bool = False
    progress: bool = False
    configuration: bool = False
    folders: bool = False
    registers_configuration: bool = False
    registers_watchers: bool = False
    refreshes: bool = False

    @staticmethod
    def of(capabilities: types.ClientCapabilities, encoding: str) -> Client:
        def can(capability: str) -> bool:
            return bool(get_capability(capabilities, capability, False))

        diagnostics = "text_document.publish_diagnostics"
        if pulls := get_capability(capabilities, "text_document.diagnostic", None) is not None:
            # What a pulled diagnostic may hold was declared apart from 3.18 on, and for both before.
            pulled = capabilities.text_document and capabilities.text_document.diagnostic
            if pulled and pulled.related_information is not None:
                diagnostics = "text_document.diagnostic"
        formats = get_capability(capabilities, "text_document.hover.content_format", None) or ()
        tags = get_capability(capabilities, f"{diagnostics}.tag_support.value_set", None) or ()
        resolved = get_capability(capabilities, "text_document.code_action.resolve_support.properties", None) or ()
        return Client(
            encoding=encoding,
            pulls=pulls,
            related=can(f"{diagnostics}.related_information"),
            links=can(f"{diagnostics}.code_description_support"),
            data=can(f"{diagnostics}.data_support"),
            tags=types.DiagnosticTag.Unnecessary in tags,
            markdown=types.MarkupKind.Markdown in formats,
            actions=can("text_document.code_action.code_action_literal_support"),
            resolves="edit" in resolved and can("text_document.code_action.data_support"),
            versioned_edits=can("workspace.workspace_edit.document_changes"),
            annotates=can("workspace.workspace_edit.change_annotation_support")
            or get_capability(capabilities, "workspace.workspace_edit.change_annotation_support", None) is not None,
            applies=can("workspace.apply_edit"),
            shows=can("window.show_document.support"),
            progress=can("window.work_done_progress"),
            configuration=can("workspace.configuration"),
            folders=can("workspace.workspace_folders"),
            registers_configuration=can("workspace.did_change_configuration.dynamic_registration"),
            registers_watchers=can("workspace.did_change_watched_files.dynamic_registration"),
            refreshes=can("workspace.diagnostics.refresh_support"),
        )
