"""Cases, the stores that hold them, splits by patient, augmentation and the phantom."""

from atfm.data.case import Case
from atfm.data.pseudonyms import patient_hash
from atfm.data.splits import load_splits, random_splits
from atfm.data.store import Store, StoreInfo, StoreWriter

__all__ = ["Case", "Store", "StoreInfo", "StoreWriter", "load_splits", "patient_hash", "random_splits"]
