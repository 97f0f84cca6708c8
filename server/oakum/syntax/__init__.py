"""Text to pieces to `ast`. Knows no framework and no rule."""
