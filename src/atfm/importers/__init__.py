"""From other people's layouts to a store, one file for each of them.

An importer `x` has two verbs: `plan_x` looks through the sources and gives a `Plan`, `import_x` builds its store.
"""

from atfm.importers.build import build
from atfm.importers.folder import import_folder, plan_folder
from atfm.importers.form import Form
from atfm.importers.isic import import_isic, plan_isic
from atfm.importers.lidc.dicom import import_lidc_dicom, plan_lidc_dicom
from atfm.importers.lidc.hdf5 import import_lidc_hdf5, plan_lidc_hdf5
from atfm.importers.lidc.hpunet import import_lidc_hpunet, plan_lidc_hpunet
from atfm.importers.lidc.pickle import import_lidc_pickle, plan_lidc_pickle
from atfm.importers.lidc.png import import_lidc_png, plan_lidc_png
from atfm.importers.plan import Plan, Planned
from atfm.importers.survey import survey

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
