"""LIDC-IDRI as others have laid it out: slices, a pickle, HDF5, crops, and the scans themselves with their outlines."""
