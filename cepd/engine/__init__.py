"""The pure core: rows in, firings out. It never reads time, never awaits, never logs."""
