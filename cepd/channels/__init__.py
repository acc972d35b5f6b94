"""Where messages go, one channel type a module, named as in YAML."""
