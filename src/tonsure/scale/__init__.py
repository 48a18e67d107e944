"""Photos by the million: cut into units, done by many processes, each exactly once."""
