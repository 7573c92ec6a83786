"""What is asked for, by path: one file for each noun."""
