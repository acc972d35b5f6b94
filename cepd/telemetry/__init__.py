"""How cepd shows itself: every metric in one table, log lines as JSON or for people."""
