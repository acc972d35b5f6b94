"""What things are: frozen, slotted values and their text forms. No I/O, no clock, no other cepd package."""
