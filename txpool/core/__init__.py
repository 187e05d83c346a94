"""The part that only thinks: state in, verdicts and events out. No I/O, no clock, no globals."""
