"""Jinja2, sandboxed and strict: text of people in, a checked, compiled template out."""
