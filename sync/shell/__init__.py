"""Where the world enters: files, environment, clock, terminal, threads."""
