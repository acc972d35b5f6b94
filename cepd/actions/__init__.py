"""What a rule does when it fires, one action type a module, named as in YAML."""
