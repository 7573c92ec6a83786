"""LIDC-IDRI as others have laid it out: slices, a pickle, HDF5, crops, and the scans themselves with their outlines."""

__all__ = ["ABOUT"]

# Where it comes from and on which terms, as every store made of it has to say.
SOURCE = (
    "LIDC-IDRI, The Cancer Imaging Archive, doi 10.7937/K9/TCIA.2015.LO9QL9SX; Armato SG et al., Medical Physics "
    "38:915-931 (2011). The authors acknowledge the National Cancer Institute and the Foundation for the National "
    "Institutes of Health, and their critical role in the creation of the free publicly available LIDC/IDRI Database "
    "used in this study."
)

ABOUT = {"name": "lidc", "licence": "CC BY 3.0", "source": SOURCE, "modality": "CT"}
