"""From other people's layouts to a store, one file for each of them.

An importer `x` has two verbs: `plan_x` looks through the sources and gives a `Plan`, `import_x` builds its store.
"""

from atfm.data.importers.build import build
from atfm.data.importers.folder import import_folder, plan_folder
from atfm.data.importers.form import Form
from atfm.data.importers.isic import import_isic, plan_isic
from atfm.data.importers.lidc_dicom import import_lidc_dicom, plan_lidc_dicom
from atfm.data.importers.lidc_hdf5 import import_lidc_hdf5, plan_lidc_hdf5
from atfm.data.importers.lidc_hpunet import import_lidc_hpunet, plan_lidc_hpunet
from atfm.data.importers.lidc_pickle import import_lidc_pickle, plan_lidc_pickle
from atfm.data.importers.lidc_png import import_lidc_png, plan_lidc_png
from atfm.data.importers.plan import Plan, Planned
from atfm.data.importers.survey import survey

__all__ = [
    "Form",
    "Plan",
    "Planned",
    "build",
    "import_folder",
    "import_isic",
    "import_lidc_dicom",
    "import_lidc_hdf5",
    "import_lidc_hpunet",
    "import_lidc_pickle",
    "import_lidc_png",
    "plan_folder",
    "plan_isic",
    "plan_lidc_dicom",
    "plan_lidc_hdf5",
    "plan_lidc_hpunet",
    "plan_lidc_pickle",
    "plan_lidc_png",
    "survey",
]
