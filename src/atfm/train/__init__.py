"""Training: configuration, presets, the loop, and the folder that it writes."""
