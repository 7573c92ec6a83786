"""A plan from the data: what a training on one's own set should be, with a reason for each choice."""

from atfm.plan.facts import Facts, facts_of
from atfm.plan.planned import Planned
from atfm.plan.planning import checked, plan
from atfm.plan.reason import Reason

__all__ = ["Facts", "Planned", "Reason", "checked", "facts_of", "plan"]
