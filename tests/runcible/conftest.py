"""Real keys, real tokens, real bundles: nothing here pretends."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runcible.certification import bundle, dsse, keys, numbers, statement, timestamps
from runcible.certification.trust_root import TrustRoot
from runcible.content import Context, Output
from runcible.governance import packs
from runcible.governance.policy_documents import Policy
from runcible.governance.policy_engine import evaluate
from runcible.records import Evaluation

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PASSPHRASE = b"a passphrase of the tests"

SMALL_RULES: dict[str, Any] = {
    "schema": "runcible.policy.v1",
    "title": "Small",
    "summary": "One rule.",
    "certificate": {
        "time_to_live_days": 30,
        "signatures": ["RSA-SHA256", "ECDSA-P256-SHA256"],
        "timestamp": "required",
    },
    "scoring": {"escalate_at": 3000, "block_at": 8000},
    "liability": {
        "warranted_by": "Us",
        "scope": "This",
        "limits": "None",
        "authority": "A policy",
        "jurisdiction": "-",
    },
    "rules": [
        {
            "id": "length",
            "title": "Short",
            "test": "decidability",
            "severity": "block",
            "check": {"validator": "length", "parameters": {"maximum": 1000}},
            "message": "It is too long.",
            "remedy": "Shorten it.",
        }
    ],
}


@dataclass(frozen=True)
class Certified:
    """One certification with everything that it was made of."""

    output: Output
    policy: Policy
    evaluation: Evaluation
    parts: bundle.Parts
    seal: bundle.Seal
    data: bytes  # the bundle

    @property
    def envelope(self) -> dsse.Envelope:
        return self.parts.envelope


@pytest.fixture(scope="session")
def noon() -> datetime:
    return NOON


@pytest.fixture(scope="session")
def passphrase() -> bytes:
    return PASSPHRASE


@pytest.fixture(scope="session")
def key_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys") / "ring"
    keys.create(directory, PASSPHRASE, at=NOON - timedelta(days=1), rsa_bits=2048)
    return directory


@pytest.fixture(scope="session")
def ring(key_directory: Path) -> keys.KeyRing:
    return keys.open_ring(key_directory, PASSPHRASE)


@pytest.fixture(scope="session")
def trust_root(ring: keys.KeyRing) -> TrustRoot:
    return ring.trust_root


@pytest.fixture(scope="session")
def strangers_ring(tmp_path_factory: pytest.TempPathFactory) -> keys.KeyRing:
    """The keys of somebody whom nobody here trusts."""
    directory = tmp_path_factory.mktemp("strangers") / "ring"
    keys.create(directory, PASSPHRASE, at=NOON - timedelta(days=1), rsa_bits=2048)
    return keys.open_ring(directory, PASSPHRASE)


@pytest.fixture(scope="session")
def load_policy() -> Callable[..., Policy]:
    """Load rules as a policy, or a shipped one by its name."""

    def load(rules: dict[str, Any] | str = SMALL_RULES, requirements: list[Any] | None = None) -> Policy:
        if isinstance(rules, str):
            pack = packs.read(rules)
            rules, requirements = pack["policy_rules"], pack["compliance_requirements"]
        return Policy.load(
            {
                "id": "01939f5e-7b1a-7000-8000-000000000001",
                "name": "small",
                "version": 1,
                "policy_rules": rules,
                "compliance_requirements": requirements or [],
            }
        )

    return load


@pytest.fixture(scope="session")
def rule() -> Callable[..., dict[str, Any]]:
    """A rule document with an expression, and whatever else is said."""

    def make(cel: str = "true", **changes: Any) -> dict[str, Any]:
        document = {**SMALL_RULES["rules"][0], "check": {"cel": cel}, **changes}
        return {name: value for name, value in document.items() if value is not None}

    return make


@pytest.fixture(scope="session")
def rules_with() -> Callable[..., dict[str, Any]]:
    """The small policy with these rules in place of its own, and whatever else is said."""

    def make(*rules: dict[str, Any], **changes: Any) -> dict[str, Any]:
        return {**SMALL_RULES, "rules": list(rules), **changes}

    return make


@pytest.fixture(scope="session")
def certify(ring: keys.KeyRing, load_policy: Callable[..., Policy]) -> Callable[..., Certified]:
    """Certify an output as the product does, from policy to bundle."""

    def run(
        output: Output | str = "The sky was clear at noon.",
        *,
        policy: Policy | None = None,
        by: keys.KeyRing = ring,
        at: datetime = NOON,
        stamped_at: datetime | None = None,
        stamp: bool = True,
        context: Context | None = None,
        status: bundle.Status | None = None,
        with_content: bool = True,
    ) -> Certified:
        output = Output.of_text(output) if isinstance(output, str) else output
        policy, context = policy or load_policy(), context or Context("acme", "model-1")
        evaluation = evaluate(policy, output, context)
        payload = statement.build(
            certification_id="01939f5e-7b1a-7000-8000-00000000002a",
            number=numbers.format_number(2026, 42),
            issuer=statement.Issuer("01939f5e-7b1a-7000-8000-000000000002", "Acme Ltd", "acme"),
            requested_by="user:7",
            task_id=None,
            output=output,
            context=context,
            policy=policy,
            evaluation=evaluation,
            issued_at=at,
        )
        envelope = by.signer.sign(payload)
        responses: tuple[bytes, ...] = ()
        if stamp:
            request = timestamps.request_for(envelope.signatures[0].sig, 2**63 + 1)
            responses = (by.tsa.answer(request, at=stamped_at or at),)
        parts = bundle.Parts(
            envelope, responses, policy, by.trust_root, status or bundle.Status(evaluation.decision, at)
        )
        seal = by.signer.seal(parts)
        data = bundle.assemble(parts, seal, output if with_content else None)
        return Certified(output, policy, evaluation, parts, seal, data)

    return run


@pytest.fixture(scope="session")
def certified(certify: Callable[..., Certified]) -> Certified:
    return certify()
