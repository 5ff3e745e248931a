"""The figures: what a sync costs, counted against the three simulators; `python -m bench --help`."""
