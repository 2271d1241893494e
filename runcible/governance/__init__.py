"""Judgement: policies, the rules in them, and what they find in an output."""
