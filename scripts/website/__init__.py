"""The documentation site: what is generated for it, how it is laid out, how it is checked."""
