"""One module per anomaly method, named as `method` says it. See `cepd.engine.baseline`."""
