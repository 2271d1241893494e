"""Outside controls: whether the evidence that each asks for is there, once the rules of a policy have run."""

from collections.abc import Iterable, Mapping

from runcible.content import Context
from runcible.governance.policy_documents import Policy, Requirement
from runcible.records import ControlResult, RuleResult

_WORSE = {"satisfied": 0, "failed": 1, "missing": 2}
_STATUS_OF = {"pass": "satisfied", "not_applicable": "satisfied", "fail": "failed", "undecidable": "missing"}


def check_controls(
    policy: Policy, rules: Iterable[RuleResult], tests: Mapping[str, str], context: Context
) -> tuple[ControlResult, ...]:
    """Judge every requirement of `policy`, in its order.

    A signature counts as given when the policy's certificate requires it, since none is issued without; so does a
    time-stamp. A test without a rule gives no evidence.
    """
    evidence = _evidence(policy, rules, tests, context)
    return tuple(_judge(requirement, evidence) for requirement in policy.content.requirements)


def _evidence(
    policy: Policy, rules: Iterable[RuleResult], tests: Mapping[str, str], context: Context
) -> dict[str, str]:
    given = {
        "input": context.input_digest is not None,
        "input.text": context.input_text is not None,
        "model": bool(context.provider and context.model),
        "signature": bool(policy.signatures),
        "timestamp": policy.timestamp == "required",
        **{f"signature:{algorithm}": True for algorithm in policy.signatures},
    }
    return {
        **{name: "satisfied" if there else "missing" for name, there in given.items()},
        **{f"rule:{rule.id}": _STATUS_OF[rule.verdict] for rule in rules},
        **{
            f"test:{test}": "missing" if verdict == "not_applicable" else _STATUS_OF[verdict]
            for test, verdict in tests.items()
        },
    }


def _judge(requirement: Requirement, evidence: Mapping[str, str]) -> ControlResult:
    statuses = {need: evidence[need] for need in requirement.needs}
    return ControlResult(
        control=requirement.control,
        title=requirement.title,
        mandatory=requirement.mandatory,
        status=max(statuses.values(), key=_WORSE.__getitem__),
        needs=requirement.needs,
        missing=tuple(need for need, status in statuses.items() if status != "satisfied"),
    )
