"""The catalogue of smells, one module each."""
