"""Text to checked definitions: YAML with positions, schemas, references, lint and the documents' dialect."""
