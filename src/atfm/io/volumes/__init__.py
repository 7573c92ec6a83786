"""Volumes: NIfTI, NRRD and MetaImage, and where their voxels lie."""
