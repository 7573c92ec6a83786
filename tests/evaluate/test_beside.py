import pytest
from torch import nn

from atfm.errors import InputError
from atfm.evaluate.beside import contenders, earlier, title_of
from atfm.evaluate.score import evaluate
from atfm.methods.method import Frame, Method, Stage
from atfm.models import load


class Parted(Method):
    """A method of five stages: two of one part, one of another, two of itself."""

    def __init__(self, first: Method, second: Method) -> None:
        super().__init__(Frame(1, 1, first.size))
        self.first, self.second = first, second

    def stages(self) -> list[Stage]:
        names = {"coarse": self.first, "tune": self.first, "fine": self.second, "both": self, "last": self}
        return [Stage(name, method, nn.Identity(), method.loss) for name, method in names.items()]

    def sample(self, image, n, *, noise, first=0):
        return self.second.sample(image, n, noise=noise, first=first)


@pytest.fixture
def parted(discs, nothing, model):
    return model(Parted(nothing, discs), "runs/parted")


def test_stages_that_are_methods_of_their_own_can_stand_beside(parted, discs, nothing) -> None:
    found = earlier(parted)
    assert [(one.name, one.title, one.note) for one in found] == [
        ("tune", "Nothing alone", "stage 2, the same cases and noise"),
        ("fine", "Discs after fine", "stage 3, the same cases and noise"),
    ]
    assert [one.method for one in found] == [nothing, discs] and found[0].seen.patients == parted.patients


def test_a_method_of_one_stage_has_none_before_it(discs, model) -> None:
    assert earlier(model(discs)) == []


def test_they_are_scored_with_the_same_noise(parted, store, discs, model) -> None:
    found = evaluate(parted, store, samples=4, limit=3, beside=earlier(parted), references=False)
    alone = evaluate(model(discs), store, samples=4, limit=3, references=False)
    assert [result.name for result in found.results] == ["parted", "tune", "fine"]
    own, _, fine = ([row.scores for row in result.rows] for result in found.results)
    assert own == fine == [row.scores for row in alone.result.rows]
    assert found.as_json()["beside"].keys() == {"tune", "fine"}


def test_another_model_goes_by_the_last_part_of_its_name(discs, nothing, model, tmp_path) -> None:
    others = [
        model(nothing, "runs/nothing/"),
        model(nothing, str(tmp_path / "old.safetensors")),
        model(nothing, "lidc"),
    ]
    assert [one.name for one in contenders(model(discs), others)] == ["discs", "nothing", "old", "lidc"]


def test_two_of_one_name_are_refused(discs, nothing, model) -> None:
    with pytest.raises(InputError, match=r"beside: two are called 'discs'.*rename one of them"):
        contenders(model(discs), [model(nothing, "runs/discs")])


def test_a_reference_has_its_name_to_itself(discs, nothing, model) -> None:
    with pytest.raises(InputError, match="two are called 'majority'"):
        contenders(model(discs), [model(nothing, "runs/majority")])


def test_a_patient_that_another_model_has_seen_is_a_leak_too(store, discs, nothing, model) -> None:
    from atfm.data.pseudonyms import patient_hash
    from atfm.errors import LeakError

    seen = model(nothing, "seen", frozenset({patient_hash("p3")}))
    with pytest.raises(LeakError, match="seen was trained on 1 of the 10 patients"):
        evaluate(model(discs), store, samples=2, beside=[seen])
    found = evaluate(model(discs), store, samples=2, limit=30, beside=[seen], allow_leak=True)
    assert not found.leak.patients and "seen was trained on 1 of the 10 patients to be scored (p3)." in found.warnings
    unknown = evaluate(model(discs), store, samples=2, limit=2, beside=[model(nothing, "unknown", frozenset())])
    assert any(line.startswith("unknown: Nothing of the training could be compared") for line in unknown.warnings)


def test_a_model_that_cannot_read_the_store_is_refused(store, discs, model) -> None:
    class Larger(type(discs)):
        def __init__(self) -> None:
            Method.__init__(self, Frame(1, 1, (32, 32)))

    with pytest.raises(InputError, match=r"made for images of \[32, 32\]"):
        evaluate(model(discs), store, samples=2, beside=[model(Larger(), "larger")])


def test_shipped_weights_are_called_what_they_are(discs, model) -> None:
    """What the energy score tuned is not the paper's two stages, and is not printed under their name."""
    assert title_of(load("lidc")) == "GTR behind a hurdle, tuned by the energy score"
    assert title_of(load("lidc-large")) == "GTR and 2 steps of the flow behind a hurdle, two stages"
    assert title_of(model(discs)) == "Discs"
    (first, second) = contenders(load("lidc"), [load("lidc-large")])
    assert first.title.endswith("energy score") and "two stages" in second.note
