"""What a store holds, measured before anything is planned or trained: sizes, spacings, lesions, readers."""

from atfm.data.survey.case import CaseSurvey
from atfm.data.survey.ceiling import Ceiling, ceiling
from atfm.data.survey.store import StoreSurvey, survey

__all__ = ["CaseSurvey", "Ceiling", "StoreSurvey", "ceiling", "survey"]
