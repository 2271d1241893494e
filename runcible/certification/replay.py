"""Run a recorded policy again over a recorded output, and compare what comes out byte for byte."""

from dataclasses import dataclass

from runcible.canonical import canonical_json
from runcible.certification.bundle import Bundle
from runcible.content import Context, Output
from runcible.errors import ContentInvalid, PolicyInvalid
from runcible.governance.policy_documents import Policy
from runcible.governance.policy_engine import VERSION, engine_digest, evaluate
from runcible.records import Evaluation


class ReplayImpossible(Exception):
    """Something that the evaluation saw isn't at hand. The message says what."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A second evaluation beside the recorded one."""

    recorded: Evaluation
    again: Evaluation
    same_engine: bool  # whether the code that judges is the same to the byte

    @property
    def agrees(self) -> bool:
        """Whether both are the same to the byte."""
        return canonical_json(self.recorded.document) == canonical_json(self.again.document)

    @property
    def differing_rules(self) -> tuple[str, ...]:
        """The rules that came to something else."""
        pairs = zip(self.recorded.rules, self.again.rules, strict=False)
        return tuple(before.id for before, after in pairs if before != after)


def replay(bundle: Bundle, *, output: Output | None = None, input_text: str | None = None) -> Replay:
    """Evaluate again. `output` is needed where the bundle travels without it, `input_text` where it was seen.

    Raises ReplayImpossible.
    """
    seen = output or bundle.output
    if seen is None:
        raise ReplayImpossible("The content doesn't travel in this bundle.")
    statement = bundle.statement
    said, model = statement.input, statement.model
    if said["captured"] == "supplied" and input_text is None:
        raise ReplayImpossible("The rules saw the input that the model was given; hand it in with --input FILE.")
    try:
        context = Context(model["provider"], model["name"], input_text, said["sha256"])
        policy = Policy.load(bundle.document["policy"])
    except (ContentInvalid, PolicyInvalid) as refused:
        raise ReplayImpossible(str(refused)) from None
    engine = statement.policy["engine"]
    return Replay(
        recorded=statement.evaluation,
        again=evaluate(policy, seen, context),
        same_engine=engine == {"version": VERSION, "digest": engine_digest()},
    )
