//! Who gets which port (a pure rule), and who holds one already.
