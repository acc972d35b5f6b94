"""The exit codes of every verb; 0 is fine. They are a contract with CI: one is never given another meaning."""

FINDINGS = 1
"""A validation error, a rule that does not compile, a file that `fmt --check` would change; what a daemon refused or
left of what it was asked to do."""
NOTHING = 2
"""Wrong usage, or nothing matched: no documents, an unknown rule, no daemon."""
WARNINGS = 3
"""Only warnings, with --strict."""
FAULT = 70
"""A fault of cepd itself."""
