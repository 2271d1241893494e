"""Make the bundles of the directory `v2` anew, each good or wrong in the one way that its name says.

They are kept so that every later version reads what an earlier one wrote: so this is run only when the format gets a
new version, and then into a new directory. Those beside this file hold statements of the first version. From the root
of the project: `PYTHONPATH=. python tests/vectors/bundles/make.py`.
"""

import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from runcible.canonical import canonical_json
from runcible.certification import bundle, dsse, keys, numbers, statement, timestamps
from runcible.certification.verifier import verify_bundle
from runcible.content import Context, Output
from runcible.governance.policy_documents import Policy
from runcible.governance.policy_engine import evaluate

HERE = Path(__file__).parent / "v2"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
RULES: dict[str, Any] = {
    "schema": "runcible.policy.v1",
    "title": "Vectors",
    "summary": "A small policy with one rule of each kind.",
    "certificate": {
        "time_to_live_days": 365,
        "signatures": ["RSA-SHA256", "ECDSA-P256-SHA256"],
        "timestamp": "required",
    },
    "scoring": {"escalate_at": 3000, "block_at": 8000},
    "liability": {"warranted_by": "-", "scope": "-", "limits": "-", "authority": "-", "jurisdiction": "-"},
    "rules": [
        {
            "id": "short",
            "title": "Short",
            "test": "decidability",
            "severity": "block",
            "check": {"cel": "output.length <= 200"},
            "message": "It is too long.",
            "remedy": "Shorten it.",
        },
        {
            "id": "no-addresses",
            "title": "No addresses",
            "test": "reciprocity",
            "severity": "block",
            "check": {"validator": "email_addresses"},
            "message": "It holds an address.",
            "remedy": "Remove it.",
        },
    ],
}


class Maker:
    """One ring of keys, and the bundles that it makes."""

    def __init__(self, ring: keys.KeyRing) -> None:
        self.ring = ring
        self.sequence = 0

    def parts(self, output: Output, *, title: str = "Vectors", status: bundle.Status | None = None) -> bundle.Parts:
        self.sequence += 1
        policy = Policy.load(
            {
                "id": "01939f5e-7b1a-7000-8000-000000000001",
                "name": "vectors",
                "version": 1,
                "policy_rules": {**RULES, "title": title},
                "compliance_requirements": [],
            }
        )
        context = Context("acme", "model-1", "What is the weather?")
        evaluation = evaluate(policy, output, context)
        payload = statement.build(
            certification_id=f"01939f5e-7b1a-7000-8000-{self.sequence:012}",
            number=numbers.format_number(2026, self.sequence),
            issuer=statement.Issuer("01939f5e-7b1a-7000-8000-00000000000a", "Acme Ltd", "acme"),
            requested_by="user:7",
            task_id=None,
            output=output,
            context=context,
            policy=policy,
            evaluation=evaluation,
            issued_at=NOON,
        )
        envelope = self.ring.signer.sign(payload)
        response = self.stamp(envelope)
        given = status or bundle.Status(evaluation.decision, NOON)
        return bundle.Parts(envelope, (response,), policy, self.ring.trust_root, given)

    def stamp(self, envelope: dsse.Envelope) -> bytes:
        return self.ring.tsa.answer(timestamps.request_for(envelope.signatures[0].sig, 2**63 + 1), at=NOON)

    def seal(self, parts: bundle.Parts, output: Output | None) -> bytes:
        """Seal without asking whether it makes sense: that is what some of these vectors are about."""
        key = self.ring.signer._keys[-1]
        document = parts._document(key.public.keyid)
        seal = key.sign(parts.sealed_bytes(key.public.keyid)).document
        return canonical_json({**document, "content": output and output.document, "seal": seal})


def twin(signature: dsse.Signature) -> dsse.Signature:
    r, s = decode_dss_signature(signature.sig)
    return dsse.Signature(signature.keyid, encode_dss_signature(r, ORDER - s))


def changed(data: bytes, **members: Any) -> bytes:
    return canonical_json({**json.loads(data), **members})


def bundles(own: Maker, stranger: Maker) -> dict[str, bytes]:
    text = Output.of_text("The sky was clear at noon. \u2600")
    good = own.parts(text)
    first, second = good.envelope.signatures
    data = own.seal(good, text)
    value = Output.of_json({"sky": "clear", "wind": 2.5, "gusts": [1e-7, 12]})
    rejected = Output.of_text("Ask zaphod@example.org.")
    revoked = bundle.Status("revoked", NOON + timedelta(hours=1), NOON + timedelta(hours=1), "The figures were wrong.")
    alone = dsse.Envelope(good.envelope.payload, (first,))
    twins = dsse.Envelope(good.envelope.payload, (first, twin(second)))
    other_payload = good.envelope.payload.replace(b'"provider":"acme"', b'"provider":"evil"')
    return {
        "certified": data,
        "certified-json": own.seal(own.parts(value), value),
        "certified-without-content": own.seal(good, None),
        "rejected": own.seal(own.parts(rejected), rejected),
        "revoked": own.seal(own.parts(text, status=revoked), text),
        "signed-by-a-stranger": stranger.seal(stranger.parts(text), text),
        "stamped-by-a-stranger": changed(data, timestamps=[timestamp_of(stranger, good)]),
        "changed-statement": changed(data, envelope=dsse.Envelope(other_payload, (first, second)).document),
        "changed-content": changed(data, content=Output.of_text("The sky was dark at noon.").document),
        "changed-status": changed(data, status=revoked.document),
        "stripped-second-signature": own.seal(replace(good, envelope=alone), text),
        "twin-of-second-signature": own.seal(replace(good, envelope=twins), text),
        "without-timestamp": own.seal(replace(good, timestamps=()), text),
        "under-another-policy": own.seal(replace(good, policy=own.parts(text, title="Other").policy), text),
        "with-a-line-break": data + b"\n",
    }


def timestamp_of(maker: Maker, parts: bundle.Parts) -> str:
    return dsse.Signature("0" * 64, maker.stamp(parts.envelope)).document["sig"]


def ring_in(directory: Path) -> keys.KeyRing:
    keys.create(directory, b"vectors", at=NOON - timedelta(days=1), rsa_bits=2048)
    return keys.open_ring(directory, b"vectors")


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        own, stranger = (Maker(ring_in(Path(place) / name)) for name in ("own", "stranger"))
        made = bundles(own, stranger)
        trust_root = own.ring.trust_root
    HERE.mkdir(exist_ok=True)
    (HERE / "trust-root.json").write_bytes(trust_root.bytes)
    expected = {}
    for name, data in made.items():
        (HERE / f"{name}.rcb.json").write_bytes(data)
        report = verify_bundle(data, trust_root, NOON + timedelta(hours=2))
        failing = [check.name for check in report.checks if check.required and check.verdict != "pass"]
        expected[name] = {"ok": report.ok, "authentic": report.authentic, "failing": failing}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")


if __name__ == "__main__":
    main()
