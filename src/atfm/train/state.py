"""`State`: where a training stands, as a checkpoint and the card of its weights tell."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atfm.errors import CheckpointError

__all__ = ["State"]


class State(BaseModel):
    """What a checkpoint says of its training."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    step: int = Field(ge=0, description="steps made in all")
    stage: str = Field(description="the stage that the last of them belongs to")
    total: int = Field(ge=0, description="steps of all stages together")
    history: list[dict[str, Any]] = Field([], description="validations")
    skipped: int = Field(0, ge=0, description="steps that were left out because they were not finite")
    trained_by: list[dict[str, int]] = Field([], description="how many processes trained, from which step on")
    ended: dict[str, int] = Field({}, description="steps of the stages that came to their end early")
    verdicts: list[dict[str, Any]] = Field([], description="which stages were kept, with the figures")
    choice: dict[str, Any] = Field({}, description="what further validations are held against, see Choice")
    checkpoints: list[int] = Field([], description="steps of all checkpoints that the run had when this was written")

    @classmethod
    def of(cls, card: dict[str, Any], file: Path) -> Self:
        """Return the state in the card of a checkpoint.

        Raises:
            CheckpointError: a field that is missing or ill-typed, or a file of another step's name.
        """
        try:
            state = cls.model_validate(card)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise CheckpointError(
                f"{file}: field {field!r} of its card: {first['msg'].lower()}; it is no checkpoint of this atfm; train "
                "into another folder"
            ) from error
        if file.stem.rpartition("-")[2] != f"{state.step:08d}":
            raise CheckpointError(
                f"{file}: is the checkpoint of step {state.step}: renamed or edited; name it so again"
            )
        return state

    def told(self) -> dict[str, Any]:
        """What the card of the weights says of it."""
        unsaid = {name for name in ("ended", "verdicts") if not getattr(self, name)}
        return self.model_dump(exclude={"checkpoints", "choice", *unsaid})
