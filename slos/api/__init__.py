"""The addresses of objectives (docs/reference/api.md)."""
