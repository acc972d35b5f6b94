"""The daemon's moving parts, from the watched directory to the settled delivery."""
