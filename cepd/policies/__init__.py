"""Pure decisions about delivery: given what happened, what comes next."""
