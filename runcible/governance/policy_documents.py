"""Policies as documents: checked completely, told every fault by its field, then compiled once.

The document format stands in docs/formats/policy.md; `policy_schema.json` beside this file is its exact shape.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator as SchemaValidator

from runcible.canonical import canonical_json, sha256_hex
from runcible.content import plain_json
from runcible.errors import ContentInvalid, FieldError, PolicyInvalid
from runcible.governance.expressions import Expression, ExpressionInvalid, compile_expression
from runcible.governance.validators import VALIDATORS, Check, ParameterInvalid
from runcible.records import TESTS

LARGEST_DOCUMENT = 262_144  # bytes of its canonical form
MOST_RULES = 200
MOST_ERRORS = 50
LONGEST_TEXT_SHOWN = 60
KEPT_COMPILED = 128

EVIDENCE = ("input", "input.text", "model", "signature", "timestamp")
"""What a compliance requirement may ask for besides `rule:<id>` and `test:<name>`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule. Exactly one of `check` (a registered validator's) and `expression` is there."""

    id: str
    title: str
    test: str
    severity: str
    when: Expression | None
    needs: tuple[str, ...]
    on_missing: str
    check: Check | None
    expression: Expression | None
    source: str  # what the record shows: the expression, or the validator and its version
    risk_points: int
    controls: tuple[str, ...]
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """An outside control, and the evidence that it asks for."""

    control: str
    title: str
    mandatory: bool
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """The compiled content of a policy version: what its digest covers."""

    digest: str
    policy_rules: dict[str, Any]
    compliance_requirements: list[Any]
    rules: tuple[Rule, ...]
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """One immutable version of a policy, ready to run. Make it with `load`.

    `digest` is the lower-hex SHA-256 of the canonical {"policy_rules", "compliance_requirements"}: two versions that
    say the same have the same digest.
    """

    id: str
    name: str
    version: int
    content: Content = field(repr=False)

    @classmethod
    def load(cls, document: Any) -> "Policy":
        """Check and compile {"id", "name", "version", "policy_rules", "compliance_requirements"}.

        A content that was compiled before is taken from memory. Raises PolicyInvalid, naming every field at fault.
        """
        _check_names(document)
        content = _compiled(document["policy_rules"], document["compliance_requirements"])
        return cls(document["id"], document["name"], document["version"], content)

    @property
    def document(self) -> dict[str, Any]:
        """What `load` takes; this is what travels in a bundle."""
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "policy_rules": self.policy_rules,
            "compliance_requirements": self.compliance_requirements,
        }

    @property
    def policy_rules(self) -> dict[str, Any]:
        """The rules as JSON. Shared by everybody who loads this content: not to be changed."""
        return self.content.policy_rules

    @property
    def compliance_requirements(self) -> list[Any]:
        """The outside controls as JSON. Shared as `policy_rules` is."""
        return self.content.compliance_requirements

    @property
    def digest(self) -> str:
        """The address of the content."""
        return self.content.digest

    @property
    def title(self) -> str:
        """The name that people read."""
        return str(self.policy_rules["title"])

    @property
    def summary(self) -> str:
        """What it is for, in a paragraph."""
        return str(self.policy_rules["summary"])

    @property
    def time_to_live(self) -> timedelta:
        """How long a certificate under this policy is good for."""
        return timedelta(days=self.policy_rules["certificate"]["time_to_live_days"])

    @property
    def signatures(self) -> tuple[str, ...]:
        """The algorithms with which a certificate must be signed, each once."""
        return tuple(self.policy_rules["certificate"]["signatures"])

    @property
    def timestamp(self) -> str:
        """`required`: no certificate without a time-stamp token; `deferred`: it may be added later."""
        return str(self.policy_rules["certificate"]["timestamp"])

    @property
    def liability(self) -> dict[str, str]:
        """Who warrants what, within which limits."""
        return dict(self.policy_rules["liability"])


def check(policy_rules: Any, compliance_requirements: Any) -> str:
    """Check a draft as `Policy.load` would, and return its digest. Raises PolicyInvalid with every field at fault."""
    return _compiled(policy_rules, compliance_requirements).digest


def content_digest(policy_rules: Any, compliance_requirements: Any) -> str:
    """Return the address of a content without compiling it. Raises PolicyInvalid for what has no exact JSON form."""
    return sha256_hex(_canonical(policy_rules, compliance_requirements))


def _check_names(document: Any) -> None:
    expected = {"id", "name", "version", "policy_rules", "compliance_requirements"}
    if not isinstance(document, dict) or set(document) != expected:
        raise PolicyInvalid([FieldError("body", f"must have exactly the fields {', '.join(sorted(expected))}")])
    errors = [
        FieldError(name, "must be a text that is not empty")
        for name in ("id", "name")
        if not isinstance(document[name], str) or not document[name]
    ]
    if type(document["version"]) is not int or document["version"] < 1:
        errors.append(FieldError("version", "must be a number from 1"))
    if errors:
        raise PolicyInvalid(errors)


def _canonical(rules: Any, requirements: Any) -> bytes:
    """The bytes that the digest covers. Raises PolicyInvalid for what has no exact JSON form."""
    try:
        return canonical_json(
            {
                "policy_rules": plain_json("policy_rules", rules),
                "compliance_requirements": plain_json("compliance_requirements", requirements),
            }
        )
    except ContentInvalid as refused:
        raise PolicyInvalid(refused.fields) from None


_memory: "OrderedDict[str, Content]" = OrderedDict()
_memory_lock = Lock()


def _compiled(rules: Any, requirements: Any) -> Content:
    """Compile once for each digest, the latest used ones kept."""
    canonical = _checked_size(rules, requirements)
    digest = sha256_hex(canonical)
    with _memory_lock:
        if digest in _memory:
            _memory.move_to_end(digest)
            return _memory[digest]
    content = _compile(digest, json.loads(canonical))
    with _memory_lock:
        _memory[digest] = content
        while len(_memory) > KEPT_COMPILED:
            _memory.popitem(last=False)
    return content


def _checked_size(rules: Any, requirements: Any) -> bytes:
    """Bound the work before any of it is done."""
    listed = rules.get("rules") if isinstance(rules, dict) else None
    if isinstance(listed, list) and len(listed) > MOST_RULES:
        raise PolicyInvalid([FieldError("policy_rules.rules", f"must have at most {MOST_RULES} rules")])
    canonical = _canonical(rules, requirements)
    if len(canonical) > LARGEST_DOCUMENT:
        raise PolicyInvalid([FieldError("policy_rules", f"must not be larger than {LARGEST_DOCUMENT} bytes")])
    return canonical


def _compile(digest: str, document: dict[str, Any]) -> Content:
    errors = list(_shape_errors(_schema(), document, ""))
    if errors:
        raise PolicyInvalid(errors[:MOST_ERRORS])
    rules = [_compile_rule(f"policy_rules.rules[{place}]", rule, errors) for place, rule in _listed_rules(document)]
    errors += _semantic_errors(document)
    if errors:
        raise PolicyInvalid(errors[:MOST_ERRORS])
    requirements = [
        Requirement(one["control"], one["title"], one["mandatory"], tuple(one["needs"]))
        for one in document["compliance_requirements"]
    ]
    return Content(
        digest, document["policy_rules"], document["compliance_requirements"], tuple(rules), tuple(requirements)
    )


def _listed_rules(document: dict[str, Any]) -> Iterable[tuple[int, dict[str, Any]]]:
    return enumerate(document["policy_rules"]["rules"])


@cache
def _schema() -> SchemaValidator:
    return Draft202012Validator(json.loads(Path(__file__).with_name("policy_schema.json").read_bytes()))


def _shape_errors(schema: SchemaValidator, instance: Any, prefix: str) -> Iterator[FieldError]:
    for error in sorted(schema.iter_errors(instance), key=lambda error: list(map(str, error.absolute_path))):
        yield FieldError(prefix + _path(error) or "body", _shape_message(error))


def _path(error: ValidationError) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return parts.removeprefix(".")


_MESSAGES = {
    "type": "must be of type {0}",
    "enum": "must be one of: {0}",
    "const": "must be {0}",
    "pattern": "must be lower-case letters, digits and hyphens, beginning with a letter",
    "minLength": "must not be empty",
    "maxLength": "must have at most {0} characters",
    "minItems": "must have at least {0}",
    "maxItems": "must have at most {0}",
    "minProperties": "must have at least {0}",
    "minimum": "must be at least {0}",
    "maximum": "must be at most {0}",
    "uniqueItems": "must not name anything twice",
}


def _shape_message(error: ValidationError) -> str:
    if error.validator in _MESSAGES:
        wanted = error.validator_value
        shown = ", ".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted)
        return _MESSAGES[str(error.validator)].format(shown)
    return error.message[:300]  # which field is required or unknown: the library says it well


def _compile_rule(path: str, rule: dict[str, Any], errors: list[FieldError]) -> Rule:
    when = _compile_cel(f"{path}.when", rule["when"], errors) if "when" in rule else None
    check_, expression, source = _compile_check(f"{path}.check", rule["check"], errors)
    return Rule(
        id=rule["id"],
        title=rule["title"],
        test=rule["test"],
        severity=rule["severity"],
        when=when,
        needs=tuple(rule.get("needs", ())),
        on_missing=rule.get("on_missing", "undecidable"),
        check=check_,
        expression=expression,
        source=source,
        risk_points=rule.get("risk_points", 0),
        controls=tuple(rule.get("controls", ())),
        message=rule["message"],
        remedy=rule["remedy"],
    )


def _compile_cel(path: str, source: str, errors: list[FieldError]) -> Expression | None:
    try:
        return compile_expression(source)
    except ExpressionInvalid as refused:
        errors.append(FieldError(path, str(refused)))
        return None


def _compile_check(
    path: str, asked: dict[str, Any], errors: list[FieldError]
) -> tuple[Check | None, Expression | None, str]:
    if set(asked) == {"cel"}:
        return None, _compile_cel(f"{path}.cel", asked["cel"], errors), asked["cel"]
    if "cel" in asked or "validator" not in asked:
        errors.append(FieldError(path, "must have either cel, or validator with its parameters"))
        return None, None, ""
    validator = VALIDATORS.get(asked["validator"])
    if validator is None:
        errors.append(FieldError(f"{path}.validator", f"must be one of: {', '.join(sorted(VALIDATORS))}"))
        return None, None, ""
    return _prepare(f"{path}.parameters", validator.name, asked.get("parameters", {}), errors)


def _prepare(
    path: str, name: str, parameters: dict[str, Any], errors: list[FieldError]
) -> tuple[Check | None, Expression | None, str]:
    validator = VALIDATORS[name]
    source = f"{name}/{validator.version}"
    faults = list(_shape_errors(Draft202012Validator(validator.parameters), parameters, f"{path}."))
    if faults:
        errors += [FieldError(fault.field.removesuffix("."), fault.message) for fault in faults]
        return None, None, source
    try:
        return validator.prepare(parameters), None, source
    except ParameterInvalid as refused:
        errors.append(FieldError(path + refused.path, refused.message))
        return None, None, source


def _semantic_errors(document: dict[str, Any]) -> Iterator[FieldError]:
    scoring = document["policy_rules"]["scoring"]
    if scoring["block_at"] < scoring["escalate_at"]:
        yield FieldError("policy_rules.scoring.block_at", "must not be smaller than escalate_at")
    ids = set()
    for place, rule in _listed_rules(document):
        if rule["id"] in ids:
            yield FieldError(f"policy_rules.rules[{place}].id", "is the id of an earlier rule as well")
        ids.add(rule["id"])
    yield from _evidence_errors(document, ids)


def _evidence_errors(document: dict[str, Any], rule_ids: set[str]) -> Iterator[FieldError]:
    signatures = document["policy_rules"]["certificate"]["signatures"]
    known = {
        *EVIDENCE,
        *(f"rule:{rule}" for rule in rule_ids),
        *(f"test:{test}" for test in TESTS),
        *(f"signature:{algorithm}" for algorithm in signatures),
    }
    for place, requirement in enumerate(document["compliance_requirements"]):
        for index, need in enumerate(requirement["needs"]):
            if need not in known:
                path = f"compliance_requirements[{place}].needs[{index}]"
                yield FieldError(path, "names no rule, test or evidence that this policy can give")
