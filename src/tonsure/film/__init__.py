"""Films: people followed from frame to frame, and the same film with them bald."""
