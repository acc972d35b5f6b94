"""One module per kind of unit, named by the type of window or trigger it remembers for. See `cepd.engine.unit`."""
