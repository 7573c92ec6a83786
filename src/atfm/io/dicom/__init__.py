"""DICOM, one station after the other: headers, stack, pixels, and the series that walks them; segmentations back."""
