"""From other people's layouts to a store, one file for each of them."""

from atfm.data.importers.folder import Form, import_folder
from atfm.data.importers.lidc_png import import_lidc_png

__all__ = ["Form", "import_folder", "import_lidc_png"]
