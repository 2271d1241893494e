"""The words of the demo data: a small firm of financial and medical advisers at work."""

from __future__ import annotations

from typing import Any

from app.schemas.access_roles import NewAccessRole

OWN_ROLE = NewAccessRole(  # one that the organisation has made for itself
    name="Freelancer",
    description="Works on the tasks given to them, and sees no others.",
    permissions=("program.view_own", "task.view_own", "task.move", "task.comment", "certification.view_own"),
)

PROGRAMS = [
    (
        "OPS",
        "Client operations",
        "Letters, leaflets and answers that go out to clients.\n\nEverything that a model drafted is certified **before** it leaves the house.",
    ),
    ("WEB", "Website relaunch", "The new site: pages, wording, accessibility."),
]

MOST_PRESSING = "Summary of the March complaints"  # which stands at the top of its column on the board

# program, name, description, estimate, states it went through, assignee
TASKS: list[tuple[str, str, str, int | None, tuple[str, ...], str | None]] = [
    (
        "OPS",
        "Draft the spring fund letter",
        "Two paragraphs for private clients about the **Nordic Balanced Fund**.\n\n- plain words\n- risk warning\n- no forecasts",
        120,
        ("doing",),
        "bob",
    ),
    (
        "OPS",
        "Answer the question about early withdrawal",
        "A client asks what happens if she takes out money before the term ends.",
        45,
        ("doing", "review"),
        "bob",
    ),
    (
        "OPS",
        "Leaflet: preparing for a first appointment",
        "What to bring, how long it takes, whom to call.",
        90,
        ("doing", "review", "done"),
        "alice",
    ),
    (
        "OPS",
        "Summary of the March complaints",
        "Five lines for the board, and the numbers as data.",
        60,
        ("doing",),
        "bob",
    ),
    ("OPS", "Check the wording of the fee table", "", None, (), None),
    (
        "WEB",
        "Write the accessibility statement",
        "WCAG 2.2 AA, with the gaps that we know of.",
        180,
        ("doing",),
        "alice",
    ),
    ("WEB", "Photographs of the team", "", 240, (), None),
    (
        "WEB",
        "Move the old articles",
        "About forty of them. Leave out what is older than 2019.",
        480,
        ("cancelled",),
        None,
    ),
]

COMMENTS = [
    (
        "Draft the spring fund letter",
        "alice",
        "The second paragraph promises too much. Could you have it *certified* before I read it again?",
    ),
    ("Draft the spring fund letter", "bob", "Done: the first try was rejected, the corrected one went through."),
    ("Answer the question about early withdrawal", "bob", "Waiting for the figure from the custodian."),
]

_RISK = "Capital at risk. The value of investments can go down as well as up, and you may get back less than you invest. Past performance is not a reliable indicator of future results."

# task, policy, question, answer
Case = tuple[str, str, str, Any]

CERTIFIED: Case = (
    "Answer the question about early withdrawal",
    "general",
    "A client asks what happens when she withdraws before the term ends. Answer in four sentences.",
    "You can withdraw before the term ends by writing to us. We pay out within ten working days. A fee of 1 % of the"
    " amount applies in the first two years; after that there is none. Please call us before you decide, so that we can"
    " go through the effect on your plan together.",
)
REJECTED: Case = (
    "Draft the spring fund letter",
    "financial-promotions",
    "Write two short paragraphs about the Nordic Balanced Fund for private clients.",
    "The Nordic Balanced Fund had a strong year. With its mix of shares and bonds it offers guaranteed returns of 7 % a"
    " year, and it is risk-free for anybody who stays for five years.\n\nWrite to our adviser at"
    " per.holm@acme.example today: places are limited.",
)
CORRECTED: Case = (
    "Draft the spring fund letter",
    "financial-promotions",
    "Write two short paragraphs about the Nordic Balanced Fund for private clients.",
    "The Nordic Balanced Fund holds shares and bonds in about equal parts and is meant for people who can leave their"
    " money invested for five years or longer. Its charges are 0.6 % a year.\n\nWhether it suits you depends on your"
    " plans and on how much loss you could bear; our advisers will gladly go through that with you.\n\n" + _RISK,
)
FIRST_VERSION: Case = (
    "Leaflet: preparing for a first appointment",
    "general",
    "Write a short leaflet for people who come to us for the first time.",
    "A first appointment takes about one hour. Please bring an identity card and come ten minutes early.",
)
SECOND_VERSION: Case = (
    "Leaflet: preparing for a first appointment",
    "general",
    "Write a short leaflet for people who come to us for the first time, and say which documents to bring.",
    "A first appointment takes about one hour. Please bring an identity card, your last tax return and the papers of any"
    " policy that you want to talk about, and come ten minutes early.",
)
REVOKED: Case = (
    "Answer the question about early withdrawal",
    "general",
    "Say in one sentence how long a withdrawal takes.",
    "A withdrawal takes three working days from the day on which we receive your letter.",
)
WHY_REVOKED = "The custodian needs ten working days, not three. The sentence must not be used any more."
OF_JSON: Case = (
    "Summary of the March complaints",
    "general",
    "Count the complaints of March by subject and answer as JSON.",
    {"month": "2026-03", "complaints": [{"subject": "fees", "count": 4}, {"subject": "waiting time", "count": 7}]},
)
