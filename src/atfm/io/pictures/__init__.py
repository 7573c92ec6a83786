"""Pictures: PNG, JPEG, GIF, BMP, PNM and TIFF, and which of their pixels are the region."""
