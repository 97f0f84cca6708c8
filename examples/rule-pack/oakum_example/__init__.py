"""Each module of this package holds one `RULE`. Names that start with an underscore are its own business."""
