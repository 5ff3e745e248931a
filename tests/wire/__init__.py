"""Whole histories of a bridge over the real adapters, codecs and client libraries, by seed, in one thread without a socket."""
