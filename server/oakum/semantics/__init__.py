"""`ast` to meaning. Knows no rule and no editor."""
