"""The policies that ship with Oversing, in words that can be said in other languages.

They are rows of each organisation, and what was certified by them keeps them as they are: these are for pages alone. A
test holds them against the packs of runcible.
"""

from __future__ import annotations

from app.core.phrases import phrase

WORDS = (
    phrase("Financial promotions"),
    phrase(
        "For texts that invite somebody to invest, or tell how an investment did. It looks for listed promises, "
        "pressure and comparisons, for two risk warnings and the issuer, and for e-mail addresses, card numbers "
        "and US social security numbers, with the rules of the UK Financial Conduct Authority and of FINRA in "
        "mind. It is an aid to a compliance officer, and replaces none."
    ),
    phrase("The model and its provider are named"),
    phrase("It is not known which model wrote this, or who provides it."),
    phrase("Name the provider and the model as the provider writes them."),
    phrase("Short enough to be read whole"),
    phrase("The promotion is too long for its warnings to be noticed."),
    phrase("Shorten it, or split it and put the warnings into each part."),
    phrase("What is read is what is stored"),
    phrase("The content holds characters that a reader doesn't see, or that show words in another order."),
    phrase("Remove the marked characters, then read the text again before you certify it."),
    phrase("Percentages come with a record of the input"),
    phrase("The promotion gives percentages, and what the model was asked with was not recorded."),
    phrase("Send the input that holds the figures, or its SHA-256."),
    phrase("No guarantees and no riskless gains"),
    phrase("The promotion promises a gain, or denies a risk."),
    phrase("Describe the aim and the risk, without promising a result."),
    phrase("No pressure to decide at once"),
    phrase("The promotion presses the reader to decide before they can think."),
    phrase("Take the pressure out; name a real closing date plainly if there is one."),
    phrase("No claim to be better than all others"),
    phrase(
        "The promotion claims to be better than all others, and names no source and year for it in the same sentence."
    ),
    phrase(
        "Take it out, or say in the same sentence what was compared, in which year and by which source, as in "
        "(source: Example Research, 2025)."
    ),
    phrase("Comparisons are supported"),
    phrase("The promotion compares without saying with what, and by which source."),
    phrase("Name the comparison, the period and the source, or take it out."),
    phrase("No e-mail addresses"),
    phrase("The content holds an e-mail address, which is personal data when it belongs to a person."),
    phrase("Remove it, or have a policy made that allows the domains of your own organisation."),
    phrase("No payment card numbers"),
    phrase("The content holds a number that passes every check of a payment card number."),
    phrase("Remove it, or keep the last four digits only."),
    phrase("No US social security numbers"),
    phrase("The content holds a number that has the form of a US social security number."),
    phrase("Says that capital is at risk"),
    phrase("The promotion doesn't say that the reader may lose money."),
    phrase("Add a sentence such as: Your capital is at risk; you may get back less than you invest."),
    phrase("Past performance comes with its warning"),
    phrase("The promotion tells how an investment did, without the warning that belongs to it."),
    phrase("Add: Past performance is not a reliable indicator of future results."),
    phrase("Says who stands behind it"),
    phrase("The promotion doesn't say who issued or approved it."),
    phrase("Name the firm that issues it, and who regulates that firm."),
    phrase("General"),
    phrase(
        "For any text or data that a language model wrote and that leaves your hands. It looks for e-mail "
        "addresses, card numbers and US social security numbers, hidden characters, promises that nobody can "
        "keep, and what a model leaves behind when nobody edited its answer."
    ),
    phrase("Not too long to be read"),
    phrase("The content is longer than a reviewer can be expected to read."),
    phrase("Split it, and certify the parts that are used."),
    phrase("Nothing that a model leaves behind"),
    phrase("Part of this reads like a model's answer that nobody edited."),
    phrase("Edit the marked words, and check the text around them."),
    phrase("What the model was asked is known"),
    phrase("Neither the input nor its hash was recorded, so nobody can check later what the model was asked."),
    phrase("Send the input, or its SHA-256 when it must stay private."),
    phrase("No promise that nobody can keep"),
    phrase("The content promises something that nobody can keep."),
    phrase("Say what is known, and how certain it is."),
    phrase("Nobody is bound by it"),
    phrase("The content speaks as if it bound your organisation, and no model has that authority."),
    phrase("Have somebody who may sign for the organisation write this part."),
    phrase("Advice says that it is general"),
    phrase("The content reads like professional advice, and doesn't say that it is general information."),
    phrase("Add a sentence such as: This is general information, not professional advice."),
)
