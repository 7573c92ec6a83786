"""What a model has seen: its patients, by hashes, and its training images, by fingerprints that survive re-encoding.

`fingerprint` makes them of an image, `images` keeps and compares them, `patients` brings both together, and `measure`
tells how often they err.
"""
