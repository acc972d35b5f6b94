"""One module per aggregate, named as `fn` says it. See `cepd.engine.column`."""
