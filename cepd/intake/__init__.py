"""Bytes to events: which lines of a body are accepted, and which of those are new."""
