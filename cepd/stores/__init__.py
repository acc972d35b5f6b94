"""Where state is kept: the journal and the databases, one module each."""
