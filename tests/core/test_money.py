"""Money is exact, and rounded once, half up."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.core.money import Money, digits_of


def euros(text):
    return Money(Decimal(text), "EUR")


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        ("0.005", "0.01"), ("0.004", "0.00"), ("0.0049999999999999999999999999", "0.00"), ("1.005", "1.01"),
        ("2.675", "2.68"), ("2.665", "2.67"), ("-0.005", "-0.01"), ("-1.004", "-1.00"), ("0.125", "0.13"),
        ("0.115", "0.12"), ("1234567890123456.785", "1234567890123456.79"), ("7", "7.00"), ("0", "0.00"),
    ],
)  # fmt: skip
def test_half_a_cent_is_rounded_away_from_zero(exact, rounded):
    assert str(euros(exact).rounded().amount) == rounded


@pytest.mark.parametrize(
    ("currency", "exact", "rounded"),
    [("JPY", "100.5", "101"), ("JPY", "100.4", "100"), ("KWD", "1.0005", "1.001"), ("USD", "9.995", "10.00"),
     ("BHD", "0.0004", "0.000"), ("ISK", "0.5", "1")],
)  # fmt: skip
def test_each_currency_has_its_own_smallest_unit(currency, exact, rounded):
    assert str(Money(Decimal(exact), currency).rounded().amount) == rounded
    assert Money(Decimal(exact), currency).rounded().amount.as_tuple().exponent == -digits_of(currency)


@pytest.mark.parametrize(
    ("rate", "minutes", "amount"),
    [("100.00", 510, "850.00"), ("33.33", 20, "11.11"), ("0.01", 29, "0.00"), ("0.01", 30, "0.01"),
     ("10.00", 100, "16.67"), ("1.00", 1, "0.02"), ("85.50", 475, "676.88"), ("19.99", -30, "-10.00")],
)  # fmt: skip
def test_an_hourly_rate_is_multiplied_first_and_divided_last(rate, minutes, amount):
    assert str(euros(rate).times(minutes, per=60).amount) == amount


def test_rounding_once_is_not_rounding_twice():
    exactly = euros("0.0333").times(3)
    assert str(exactly.amount) == "0.10"
    assert euros("0.0333").rounded().times(3).amount == Decimal("0.09")


@pytest.mark.parametrize("amount", [1.10, 1, "1.10", None])
def test_money_is_made_of_a_decimal_and_nothing_else(amount):
    with pytest.raises(TypeError, match="exact"):
        Money(amount, "EUR")


def test_amounts_of_one_currency_are_added_exactly():
    assert sum([euros("0.10")] * 9, start=euros("0.10")) == euros("1.00")


def test_amounts_of_two_currencies_are_not_added():
    with pytest.raises(ValueError, match="cannot be added"):
        euros("1.00") + Money(Decimal("1.00"), "USD")
