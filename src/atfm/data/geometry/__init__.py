"""How images of any size and spacing are brought to what a network sees, and masks and maps back."""
