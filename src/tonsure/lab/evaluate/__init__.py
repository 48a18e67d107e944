"""How good is an editor: measured on a folder of photos."""
