"""Which rules' conditions hold for an event: generated code and indexes, made anew when rules change.

It says the same as `cepd.engine.reference`, about rules by the thousand, in the time that decoding the event takes. It
must hold no state that a firing depends on, and no exception may leave it for any event.
"""

MANY = 50
"""Conditions tested one after the other that together cost about as much as decoding the event."""
