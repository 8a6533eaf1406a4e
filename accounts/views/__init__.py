"""Pages about the person who uses the portal."""
