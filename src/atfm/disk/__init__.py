"""What is written stays whole: files all at once, units, locks, digests, and what the machine refuses."""
