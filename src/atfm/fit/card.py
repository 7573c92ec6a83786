"""The card of weights before a step is made: what they are, and whose images they will have seen."""

import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from atfm import __version__
from atfm.data.geometry.rule import Fit
from atfm.data.intensity import Intensity
from atfm.data.ood.recorder import Recorder
from atfm.data.pseudonyms import key_name, patient_hash
from atfm.data.seen.images import FIELD
from atfm.models import Model
from atfm.train.cases import Cases
from atfm.train.config import Config
from atfm.train.taking import Taken

__all__ = ["new_card", "sources", "stretched", "versions"]


def new_card(
    config: Config, cases: Cases, rule: Fit | None, given: Mapping[str, Model], taken: Mapping[str, Taken]
) -> dict[str, Any]:
    """What is known of the weights before a step is made."""
    recorder = Recorder(config.crop, rule, known=cases.patients_known)
    recorder.look(cases.train)
    return {
        "config": config.model_dump(mode="json"),
        "data": cases.description,
        **_patients(cases, given),
        "versions": versions(),
        "intensity": stretched(cases.intensity, recorder).model_dump(mode="json"),
        "orientation": cases.orientation,
        FIELD: recorder.seen_images().joined([model.seen.images for model in given.values()]).model_dump(mode="json"),
        **({} if rule is None or rule.usual is None else {"usual_spacing": list(rule.usual)}),
        **({} if cases.patients_known is None else {"patients_known": cases.patients_known}),
        "training_images": recorder.training_images(cases.modality).model_dump(mode="json"),
        **sources(given),
        **_parts(taken),
    }


def _patients(cases: Cases, given: Mapping[str, Model]) -> dict[str, Any]:
    """Who was trained on, by pseudonyms, and the names of the keys that these are made with."""
    models = [model.seen for model in given.values()]
    own = {patient_hash(patient, cases.patient_key) for patient in cases.patients}
    keys = {key_name(cases.patient_key)} if cases.patient_key else set()
    keys |= {key for model in models for key in model.patient_keys}
    found: dict[str, Any] = {"patients": sorted(own.union(*(model.patients for model in models)))}
    return found | ({"patient_keys": sorted(keys)} if keys else {})


def sources(given: Mapping[str, Model]) -> dict[str, Any]:
    """What a card and a run's identity say of the models that weights come from; nothing where there are none."""
    named = {name: {"sha256": model.card["sha256"], "name": model.name} for name, model in given.items()}
    return {"taken": named} if named else {}


def _parts(taken: Mapping[str, Taken]) -> dict[str, Any]:
    """What was not taken, where it was not everything."""
    left = {name: one.as_json() for name, one in taken.items() if not one.whole}
    return {"taken_in_part": left} if left else {}


def stretched(rule: Intensity, recorder: Recorder) -> Intensity:
    """The rule, with what the images themselves tell of it; parts of images that were stretched no longer show it."""
    told = rule.stretched or recorder.stretched
    return rule.model_copy(update={"stretched": told}) if rule.kind in ("byte", "as-is") else rule


def versions() -> dict[str, str]:
    """Return what a training ran on."""
    return {
        "atfm": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
