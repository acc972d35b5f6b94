"""cepd: rules in git, exact event processing, alerts that are never lost."""

__version__ = "0.1.0"
