"""Networks that tonsure can do without: the generators of `tonsure sweep`, and the judge of
`tonsure lab evaluate`. tonsure finds them here; there is nothing to import."""
