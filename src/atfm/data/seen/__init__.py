"""What a model has seen: its patients, by hashes, and its training images, by fingerprints that survive re-encoding.

`fingerprint` makes them of an image, `images` keeps and compares them, `looker` makes them of a training's images as
they pass by, `seen` brings patients and images together, and `measure` tells how often they err.
"""
