"""The order of steps: which effects happen when. Decisions are made in `sync.core`, SQL in `sync.store`."""
