"""Virtual time: the same core against lines, NATs, SBCs and phones that exist only as arithmetic, seeded."""
