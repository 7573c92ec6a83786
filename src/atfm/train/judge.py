"""`Judge`: validates the weights of a training as it goes, and says which of them it ends with, see `Choice`."""

import copy
from collections.abc import Collection, Sequence
from typing import Any, Protocol

from atfm.data.dataset import CaseDataset
from atfm.methods.method import Method, Stage
from atfm.train.choice import Candidate, Choice, ged_of, in_words
from atfm.train.config import Config
from atfm.train.log import Log
from atfm.train.processes import Processes
from atfm.train.state import State
from atfm.train.validate import case_scores, means

__all__ = ["Judge"]


class Say(Protocol):
    """Is told a line."""

    def __call__(self, note: str, /) -> object: ...


class Judge:
    """Validates, and chooses.

    Args:
        method: the whole method that is trained.
        config: resolved configuration.
        validation: validation cases, None for none.
        patients: whose each of them is; none: each is somebody else's.
        processes: those that share the cases; all come to the same.
        say: is told which stages end early and which are kept.
    """

    def __init__(
        self,
        method: Method,
        config: Config,
        validation: CaseDataset | None,
        patients: Sequence[str],
        processes: Processes,
        say: Say,
    ) -> None:
        self.method, self.config, self.validation, self.processes, self.say = method, config, validation, processes, say
        owners = [] if validation is None else list(patients) or list(validation.case_ids)
        self.choice = Choice(config.patience, config.keep, owners)
        self.history: list[dict[str, Any]] = []
        self._last: Candidate | None = None

    @property
    def chosen(self) -> str:
        """The stage whose weights are the result as things stand; empty where nothing was chosen."""
        one = self.choice.kept or self.choice.best
        return "" if one is None else one.stage

    def go_on(self, state: State) -> None:
        """Take over what a checkpoint says of validations."""
        self.history = list(state.history)
        self.choice.ended, self.choice.verdicts = dict(state.ended), list(state.verdicts)

    def rows(self, method: Method) -> list[dict[str, float]]:
        """Return the scores of each validation case, by the configuration's samples and seed; none without cases."""
        if self.validation is None:
            return []
        config = self.config
        return case_scores(method, self.validation, config.validate_samples, config.seed, processes=self.processes)

    def begin_from(self, taken: Collection[str]) -> None:
        """Where the weights of another model draw as they are, the first stage has to be better than these.

        Args:
            taken: names of the weights that came from another model.
        """
        if not (self.choice.pays and taken):
            return
        names = {id(value): name for name, value in self.method.state_dict(keep_vars=True).items()}
        for stage in reversed(self.method.stages()):
            if all(names[id(value)] in taken for value in stage.method.state_dict(keep_vars=True).values()):
                weights, what = stage.method.state_dict(), "the weights that were taken"
                one = Candidate(stage.name, 0, ged_of(self.rows(stage.method)), weights, what)
                self.choice.conclude(one, same=False)
                return

    def validate(self, stage: Stage, method: Method, step: int, log: Log) -> dict[str, float]:
        """Validate averaged weights, and return the mean scores.

        Args:
            stage: that they are of.
            method: with these weights.
            step: after which; steps are those of all stages.
            log: is told of it.
        """
        rows = self.rows(method)
        scores = means(rows)
        self.history.append({"step": step, "stage": stage.name, **scores})
        if self.processes.main:
            log.append({"step": step, "stage": stage.name, "validation": scores})
        self._last = Candidate(stage.name, step, ged_of(rows), method.state_dict())
        return scores

    def ends(self, stage: Stage, step: int, made: int, of: int) -> bool:
        """Whether a stage has come to its end by the last validation, before its last step.

        Args:
            stage: which.
            step: of all stages.
            made: steps of this one.
            of: so many that it has.
        """
        if self._last is None or not self.choice.hear(self._last) or made == of:
            return False
        self.choice.ended[stage.name] = made
        best = self.choice.best or self._last
        self.say(
            f"stage {stage.name} ends after {made} of {of} steps: {self.config.patience} validations in a row were no "
            f"better beyond their noise; its best is that of step {best.step}, GED {best.mean:.3f}"
        )
        return True

    def conclude(self, stage: Stage, average: Method, step: int) -> None:
        """Put the result of a stage into its averaged weights; and where it does not pay, those of before.

        Args:
            stage: that has come to its end.
            average: its method with averaged weights, validated after this very step.
            step: of all stages.
        """
        if self._last is None or self._last.step != step or not self.choice.on:
            return
        kept = [own.method for own in self.method.stages() if self.choice.kept and own.name == self.choice.kept.stage]
        before = len(self.choice.verdicts)
        same = any(method is stage.method for method in kept)
        goes_on = self.choice.conclude(self.choice.best or self._last, same=same)
        average.load_state_dict(dict(goes_on.weights))
        for verdict in self.choice.verdicts[before:]:
            self.say(in_words(verdict))

    def result(self, stage: Stage, average: Method) -> tuple[Method, str]:
        """Return what is published as things stand, and the stage that it is of: what was kept, else the best.

        Args:
            stage: that is trained.
            average: its method with averaged weights, which are the result where nothing is chosen.
        """
        one = self.choice.kept or self.choice.best
        if one is None:
            return average, stage.name
        own = next(other for other in self.method.stages() if other.name == one.stage)
        method = copy.deepcopy(own.method)
        method.load_state_dict(dict(one.weights))
        return method.eval(), one.stage
