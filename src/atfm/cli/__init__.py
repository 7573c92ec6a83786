"""The command `atfm`: parse, call, print, and nothing else."""
