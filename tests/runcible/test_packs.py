"""The shipped policies, by what a compliance officer would try."""

import pytest

from runcible.content import Context, Output
from runcible.governance import packs
from runcible.governance.policy_engine import evaluate

CONTEXT = Context("acme", "model-1", "Write it.")
PROMOTION = (
    "The Harbour Fund invests in listed infrastructure and aims for steady income over five years. Returns are not"
    " guaranteed. Your capital is at risk: you may get back less than you invest. Past performance is not a reliable"
    " indicator of future results. Issued by Harbour Investment Management Ltd, authorised and regulated by the"
    " Financial Conduct Authority."
)


def outcome(load_policy, name, text, context=CONTEXT):
    evaluation = evaluate(load_policy(name), Output.of_text(text), context)
    return evaluation.action_state, [one.id for one in evaluation.failed]


def test_both_are_there():
    assert packs.names() == ("financial-promotions", "general")
    with pytest.raises(KeyError):
        packs.read("../policy_schema")


@pytest.mark.parametrize("name", ["general", "financial-promotions"])
def test_a_careful_text_is_certified(load_policy, name):
    assert outcome(load_policy, name, PROMOTION) == ("certified", [])


@pytest.mark.parametrize(
    ("text", "rule", "state"),
    [
        ("Our plan is risk-free.", "no-promises", "blocked"),
        ("It is 100% accurate.", "no-promises", "blocked"),
        ("Write to bob@example.com for more.", "no-email-addresses", "escalated"),
        ("Card: 4111 1111 1111 1111.", "no-card-numbers", "blocked"),
        ("Her SSN is 123-45-6789.", "no-us-social-security-numbers", "blocked"),
        ("Pay to p\u0430ypal.", "no-hidden-text", "blocked"),
        ("Access\u202e granted", "no-hidden-text", "blocked"),
        ("As an AI language model, I like it.", "edited-by-a-person", "escalated"),
        ("We hereby agree to everything.", "no-commitments", "escalated"),
        ("x " * 100_001, "length", "blocked"),
    ],
)
def test_general_refuses(load_policy, text, rule, state):
    assert outcome(load_policy, "general", text) == (state, [rule])


@pytest.mark.parametrize(
    "text",
    [
        "The outcome depends on the weather, and the plan is not risk free.",
        "Order 4111111111111112 was shipped on 2026-11-22; call +1 212 555 0199.",
        "The team finished three of five tasks this week. Two are late by a day.",
        "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002",
        "\u0421\u0435\u0433\u043e\u0434\u043d\u044f \u044f\u0441\u043d\u043e.",
        "The family \U0001f468\u200d\U0001f469\u200d\U0001f467 is well.",
    ],
    ids=ascii,
)
def test_general_lets_ordinary_texts_pass(load_policy, text):
    assert outcome(load_policy, "general", text) == ("certified", [])


def test_general_warns_of_advice_without_a_word_of_caution(load_policy):
    evaluation = evaluate(load_policy("general"), Output.of_text("The usual dosage is 5 mg."), CONTEXT)
    assert evaluation.action_state == "certified"
    assert {one.id: one.verdict for one in evaluation.rules}["advice-is-marked"] == "fail"


def test_a_model_without_a_name_is_undecidable(load_policy):
    assert outcome(load_policy, "general", "Hello.", Context("", "")) == ("undecidable", ["model-named"])


@pytest.mark.parametrize(
    ("change", "rule", "state"),
    [
        (lambda text: text.replace("not guaranteed", "guaranteed"), "no-guarantees", "blocked"),
        (lambda text: text + " You cannot lose.", "no-guarantees", "blocked"),
        (lambda text: text + " It is certain to rise.", "no-guarantees", "blocked"),
        (lambda text: text + " Act now!", "no-pressure", "escalated"),
        (lambda text: text + " Don\u2019t miss out!", "no-pressure", "escalated"),
        (
            lambda text: text.replace("capital is at risk", "capital is at work").replace("less", "more"),
            "capital-at-risk",
            "blocked",
        ),
        (lambda text: text.replace("is not a reliable indicator", "is a good sign"), "past-performance", "blocked"),
        (lambda text: text + " Ask bob@example.com.", "no-email-addresses", "escalated"),
    ],
)
def test_financial_promotions_refuses(load_policy, change, rule, state):
    assert outcome(load_policy, "financial-promotions", change(PROMOTION)) == (state, [rule])


def test_each_mandatory_control_of_a_good_promotion_is_satisfied(load_policy):
    evaluation = evaluate(load_policy("financial-promotions"), Output.of_text(PROMOTION), CONTEXT)
    assert {control.status for control in evaluation.controls} == {"satisfied"}


@pytest.mark.parametrize("name", ["general", "financial-promotions"])
def test_each_rule_tells_what_to_do(name):
    for rule in packs.read(name)["policy_rules"]["rules"]:
        for words in (rule["title"], rule["message"], rule["remedy"]):
            assert words[0].isupper()
        assert rule["message"].endswith(".")
        assert rule["remedy"].endswith(".")


CAREFUL = " Your capital is at risk. Past performance is not a reliable guide to future results."
REFUSED_WORDS = [
    ("Our fund returned 40% in 2025.", "past-performance"),
    ("The fund rose 12% and its price gained 3 per cent.", "past-performance"),
    ("It outperformed its peers last year.", "past-performance"),
    ("The fund is as safe as a bank.", "no-guarantees"),
    ("Your money is secure.", "no-guarantees"),
    ("It always goes up.", "no-guarantees"),
    ("Invest now.", "no-pressure"),
    ("Act today.", "no-pressure"),
    ("Apply today: only 5 places left.", "no-pressure"),
    ("Places are limited.", "no-pressure"),
    ("It beat every rival.", "no-unsupported-comparisons"),
    ("It is better than every other fund.", "no-unsupported-comparisons"),
]


@pytest.mark.parametrize(("text", "rule"), REFUSED_WORDS)
def test_financial_promotions_finds_the_usual_words(load_policy, text, rule):
    evaluation = evaluate(load_policy("financial-promotions"), Output.of_text(text), CONTEXT)
    assert {one.id: one.verdict for one in evaluation.rules}[rule] == "fail"


@pytest.mark.parametrize("likeness", ["indicator of", "guide to", "reliable guide to", "reliable indicator of"])
@pytest.mark.parametrize("future", ["results", "performance", "returns"])
def test_each_usual_warning_satisfies_and_does_not_trigger(load_policy, likeness, future):
    warning = f"Past performance is not a {likeness} future {future}."
    verdicts = {}
    for text in (warning, "Our fund returned 40% in 2025. " + warning):
        evaluation = evaluate(load_policy("financial-promotions"), Output.of_text(text), CONTEXT)
        verdicts[text] = {one.id: one.verdict for one in evaluation.rules}["past-performance"]
    assert list(verdicts.values()) == ["not_applicable", "pass"]


@pytest.mark.parametrize(
    "text",
    ["We do not offer guaranteed returns.", "We do not promise guaranteed income.", "Prices do not always go up."],
)
def test_what_is_denied_is_not_promised(load_policy, text):
    assert outcome(load_policy, "financial-promotions", text + CAREFUL) == ("certified", [])


# Each with a neighbour: a promotion that says the first must not be certified, one that says the second may be.
NEIGHBOURS = [
    ("no-guarantees", "No promise guaranteed better!", "We make no promise of guaranteed returns."),
    ("no-guarantees", "No promise: guaranteed.", "There is no guaranteed return."),
    ("no-guarantees", "No guaranteed return is better.", "There is no capital guarantee."),
    ("no-guarantees", "No guarantee comes close to ours.", "Returns come with no guarantee."),
    ("no-guarantees", "Your money is protected.", "Your money is protected by the FSCS."),
    ("no-guarantees", "Your money is protected by our experts.", "Your savings are protected under the FSCS."),
    ("no-guarantees", "Your money is safe: it is with the FSCS.", "The money is protected by the FDIC."),
    (
        "no-guarantees",
        "Your money is fully protected.",
        "Your money is fully protected by the FSCS up to \u00a385,000.",
    ),
    ("no-guarantees", "Your money is fully protected by the FSCS.", "Your money is protected up to $250,000."),
    ("no-guarantees", "Your money is protected by the FSCS and you cannot lose.", "The funds are protected by SIPC."),
    ("no-guarantees", "It is as safe as a bank.", "It is nowhere as safe as a bank."),
    ("no-guarantees", "There is nowhere as safe as our fund.", "It is nowhere near as safe as our other fund."),
    ("no-guarantees", "Nowhere is as safe as a bank but our fund.", "It is nothing like as secure as cash."),
    ("no-guarantees", "Money was never as safe as with us.", "Shares are never as safe as a deposit."),
    ("no-pressure", "Hurry!", "Do not hurry."),
    ("no-pressure", "Do not hesitate, hurry!", "Don\u2019t hurry."),
    ("no-pressure", "If you do not hurry, it is gone.", "There is no need to hurry."),
    ("no-pressure", "If you do not act now, it is gone.", "You do not need to act now."),
    ("no-pressure", "Why not hurry?", "Take your time: there is no hurry."),
    ("no-unsupported-comparisons", "It beat every rival.", "It does not beat every rival."),
    ("no-unsupported-comparisons", "It doesn't charge much and beat every rival.", "No fund beats every rival."),
    ("no-unsupported-comparisons", "It has beaten all its peers.", "It was beaten every year."),
    ("no-unsupported-comparisons", "It beats inflation every year.", "It may not beat inflation every year."),
    (
        "no-unsupported-comparisons",
        "It beats the market each single month.",
        "It cannot always beat the market every year.",
    ),
    ("no-unsupported-comparisons", "It outperforms every fund.", "It has outperformed its benchmark."),
    ("no-unsupported-comparisons", "It is better than every other fund.", "It is not better than any other fund."),
    ("no-unsupported-comparisons", "No doubt it is better than any other.", "No fund is better than all others."),
    ("no-unsupported-comparisons", "No other fund beats ours.", "Some funds may beat ours."),
    ("no-unsupported-comparisons", "Our returns are unbeatable.", "Our returns are not unbeatable."),
    ("no-unsupported-comparisons", "The best-performing fund.", "This is not the best fund for everyone."),
    ("no-unsupported-comparisons", "It has never been beaten by any rival.", "It has not beaten every rival."),
    ("no-unsupported-comparisons", "It never fails to beat every rival.", "It failed to beat every rival."),
    ("no-unsupported-comparisons", "It leaves every rival behind.", "If you leave any funds with us, we invest them."),
    ("no-unsupported-comparisons", "Every rival was beaten by it.", "Every fund was affected by inflation."),
    ("no-unsupported-comparisons", "The No. 1 fund in Europe.", "No one fund suits everybody."),
    ("no-unsupported-comparisons", "#1 fund!", "It was number 31 of 40 funds."),
    ("no-unsupported-comparisons", "A top-performing, world-beating fund.", "It performed as its index did."),
    (
        "no-unsupported-comparisons",
        "It pays the highest returns in the industry.",
        "Its strongest performance in a month was 2%.",
    ),
    ("no-unsupported-comparisons", "Our returns are the highest.", "Returns are highest where the risk is high."),
    ("no-unsupported-comparisons", "No-one beats us.", "We do not promise that it beats every rival."),
    ("no-guarantees", "Your money is protected by FSCS-like cover.", "Your money is not protected by the FSCS."),
    ("no-guarantees", "No other returns are guaranteed.", "No returns are guaranteed."),
    ("no-guarantees", "Nothing else is guaranteed.", "Nothing here is guaranteed."),
    (
        "no-unsupported-comparisons",
        "The best performing fund (source: our own view).",
        "The best performing fund of 31 in its sector in 2025, up 5.2% (source: Example Research).",
    ),
    (
        "no-unsupported-comparisons",
        "It beat every rival. Source: Example Research, 2025.",
        "It beat every rival (source: Example Research, 2025).",
    ),
]


@pytest.mark.parametrize(("rule", "refused", "harmless"), NEIGHBOURS, ids=lambda text: ascii(text)[:50])
def test_a_promise_is_told_from_its_harmless_neighbour(load_policy, rule, refused, harmless):
    state, failed = outcome(load_policy, "financial-promotions", refused + CAREFUL)
    assert (state, failed) == ("escalated" if rule == "no-pressure" else "blocked", [rule])
    assert outcome(load_policy, "financial-promotions", harmless + CAREFUL) == ("certified", [])


def test_no_warning_makes_up_for_a_claim_to_be_the_best(load_policy):
    for text in ("It beat every rival.", "Nothing beats it.", "It is second to none."):
        assert outcome(load_policy, "financial-promotions", f"{text} {PROMOTION}")[0] == "blocked"


@pytest.mark.parametrize(
    "text",
    [
        "The fund is up 5%.",
        "Up 5% in a month.",
        "After fees the fund is up 5%.",
        "Returns net of fees are up 5%.",
        "Fees are low, and the fund is up 5%.",
        "Fees are up 5%, and the fund is up 9%.",
        "The Harbour rose 12%.",
    ],
)
def test_a_rise_of_an_investment_needs_the_warning(load_policy, text):
    risk = " Your capital is at risk."
    assert outcome(load_policy, "financial-promotions", text + risk) == ("blocked", ["past-performance"])


@pytest.mark.parametrize(
    "text",
    [
        "Our fees are up 5%.",
        "Charges have gone up by 3.5 per cent in 2025.",
        "Costs rose by about 4% on last year.",
        "The fee is now up 2%.",
        "Fees went up 5% last year.",
        "Fees, which are up 5%, are taken each month.",
    ],
)
def test_a_rise_of_fees_is_no_performance(load_policy, text):
    assert outcome(load_policy, "financial-promotions", text + " Your capital is at risk.") == ("certified", [])
