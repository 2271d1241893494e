"""Money: an exact amount and its currency, rounded once, half up, by one function."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# ISO 4217: currencies whose smallest unit is not a hundredth.
_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3, "JOD": 3}


def digits_of(currency: str) -> int:
    """How many decimals an amount in `currency` (ISO 4217) has."""
    return _DIGITS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. Amounts of different currencies cannot be added."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError("Money is exact: give it a Decimal, not a float.")

    def times(self, quantity: int, *, per: int = 1) -> Money:
        """This amount for `quantity` of which `per` make one: multiplied first, divided last, rounded once."""
        return Money(self.amount * quantity / per, self.currency).rounded()

    def rounded(self) -> Money:
        """The amount in whole smallest units, HALF_UP."""
        unit = Decimal(1).scaleb(-digits_of(self.currency))
        return Money(self.amount.quantize(unit, ROUND_HALF_UP), self.currency)

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added.")
        return Money(self.amount + other.amount, self.currency)
