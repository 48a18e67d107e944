"""Head to waist: made cases with truth, hair left by a teacher's eye, sheets of whole pictures."""
