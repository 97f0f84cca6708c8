"""Plugins for other tools that people have switched on already. Each is one module, found by its host through an entry point."""
