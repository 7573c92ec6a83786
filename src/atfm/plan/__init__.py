"""A plan from the data: what a training on one's own set should be, with a reason for each choice."""

from atfm.plan.facts import Facts, facts_of
from atfm.plan.planned import Planned
from atfm.plan.planning import checked, plan
from atfm.plan.reason import Reason
from atfm.plan.swapped import begun_from, with_method

__all__ = ["Facts", "Planned", "Reason", "begun_from", "checked", "facts_of", "plan", "with_method"]
