"""From other people's layouts to a store: a file for each kind of data set, and its line here.

An importer's `plan_x` looks through the sources and gives a `Plan`; `build_store` makes its store:

    build_store(plan_lidc_png([Path("train.zip")]), Path("lidc-store"))
"""

from atfm.importers.folder import FOLDER, plan_folder
from atfm.importers.form import Form
from atfm.importers.importer import Importer
from atfm.importers.isic import ISIC, plan_isic
from atfm.importers.lidc.dicom import LIDC_DICOM, plan_lidc_dicom
from atfm.importers.lidc.hdf5 import LIDC_HDF5, plan_lidc_hdf5
from atfm.importers.lidc.hpunet import LIDC_HPUNET, plan_lidc_hpunet
from atfm.importers.lidc.pickle import LIDC_PICKLE, plan_lidc_pickle
from atfm.importers.lidc.png import LIDC_PNG, plan_lidc_png
from atfm.importers.phantom import PHANTOM, plan_phantom
from atfm.importers.plan import Plan, Planned, build_store
from atfm.importers.survey import survey

__all__ = [
    "IMPORTERS",
    "Form",
    "Importer",
    "Plan",
    "Planned",
    "build_store",
    "plan_folder",
    "plan_isic",
    "plan_lidc_dicom",
    "plan_lidc_hdf5",
    "plan_lidc_hpunet",
    "plan_lidc_pickle",
    "plan_lidc_png",
    "plan_phantom",
    "survey",
]

# In the order in which `atfm data import --help` lists them.
IMPORTERS = (FOLDER, LIDC_PNG, LIDC_PICKLE, LIDC_HDF5, LIDC_HPUNET, LIDC_DICOM, ISIC, PHANTOM)
