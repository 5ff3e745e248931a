"""The pure core: decisions as values. Standard library only; no clock, random, I/O or logging."""
