"""DICOM: series to volumes, masks to segmentation objects."""
