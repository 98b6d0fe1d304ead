//! Amounts of money: whole minor units of one currency.
//!
//! Arithmetic is checked and stays within a currency: what would overflow or mix two of them is an error, and nothing is rounded.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::named::named;

named! {
    /// A currency of ISO 4217, by its code.
    Currency {
        /// Chilean peso.
        Clp = "CLP",
        /// Colombian peso. It has two decimals by ISO 4217, though no coins for them.
        Cop = "COP",
        /// Euro.
        Eur = "EUR",
        /// Mexican peso.
        Mxn = "MXN",
        /// United States dollar.
        Usd = "USD",
    }
}

impl Currency {
    /// How many decimals it has: a unit is ten to this power of minor units.
    pub(crate) fn exponent(self) -> u8 {
        match self {
            Self::Clp => 0,
            Self::Cop | Self::Eur | Self::Mxn | Self::Usd => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why two amounts cannot be reckoned together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MoneyError {
    /// They are of different currencies.
    #[error("an amount in {left} does not go with one in {right}")]
    CurrencyMismatch {
        /// Of the first.
        left: Currency,
        /// Of the second.
        right: Currency,
    },
    /// The result is beyond what is counted.
    #[error("an amount of money is too large")]
    Overflow,
}

/// An amount of money, which may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Money {
    /// How many minor units.
    pub(crate) amount_minor: i64,
    /// Of which currency.
    pub(crate) currency: Currency,
}

impl Money {
    /// So many minor units.
    pub(crate) fn new(amount_minor: i64, currency: Currency) -> Self {
        Self { amount_minor, currency }
    }

    /// Nothing.
    pub(crate) fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Both together.
    ///
    /// # Errors
    /// They are of different currencies, or too much.
    pub(crate) fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.amount_minor.checked_add(other.amount_minor))
    }

    /// What is left of it without the other.
    ///
    /// # Errors
    /// They are of different currencies, or too much.
    pub(crate) fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.amount_minor.checked_sub(other.amount_minor))
    }

    /// So many times as much.
    ///
    /// # Errors
    /// It is too much.
    pub(crate) fn checked_mul(self, times: i64) -> Result<Self, MoneyError> {
        self.with(self.amount_minor.checked_mul(times))
    }

    /// The lesser of both.
    ///
    /// # Errors
    /// They are of different currencies.
    pub(crate) fn checked_min(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Ok(Self { amount_minor: self.amount_minor.min(other.amount_minor), ..self })
    }

    /// All of them together; nothing where there are none.
    ///
    /// # Errors
    /// One is of another currency, or they are too much.
    pub(crate) fn sum(currency: Currency, amounts: &[Self]) -> Result<Self, MoneyError> {
        amounts.iter().try_fold(Self::zero(currency), |sum, amount| sum.checked_add(*amount))
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
    }

    fn with(self, amount_minor: Option<i64>) -> Result<Self, MoneyError> {
        let amount_minor = amount_minor.ok_or(MoneyError::Overflow)?;
        Ok(Self { amount_minor, ..self })
    }
}

/// `3,500.00 COP`.
impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.currency.exponent());
        let minor_per_unit = 10_u64.pow(u32::from(self.currency.exponent()));
        let amount = self.amount_minor.unsigned_abs();
        if self.amount_minor < 0 {
            formatter.write_str("-")?;
        }
        write_grouped(amount / minor_per_unit, formatter)?;
        if decimals > 0 {
            write!(formatter, ".{:0decimals$}", amount % minor_per_unit)?;
        }
        write!(formatter, " {}", self.currency)
    }
}

fn write_grouped(number: u64, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    if number < 1_000 {
        return write!(formatter, "{number}");
    }
    write_grouped(number / 1_000, formatter)?;
    write!(formatter, ",{:03}", number % 1_000)
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Money", 3)?;
        members.serialize_field("amount_minor", &self.amount_minor)?;
        members.serialize_field("currency", &self.currency)?;
        members.serialize_field("text", &format_args!("{self}"))?;
        members.end()
    }
}

/// The text may be left out. One that says another amount is refused: nobody can know which of both is meant.
impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            amount_minor: i64,
            currency: Currency,
            #[serde(default)]
            text: Option<String>,
        }
        let Written { amount_minor, currency, text } = Written::deserialize(deserializer)?;
        let money = Self { amount_minor, currency };
        match text {
            Some(text) if text != money.to_string() => {
                Err(de::Error::custom(format!("the text of this amount is `{money}`, or left out")))
            }
            _ => Ok(money),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cop(amount_minor: i64) -> Money {
        Money::new(amount_minor, Currency::Cop)
    }

    #[test]
    fn an_amount_is_written_with_groups_and_the_decimals_of_its_currency() {
        for (amount_minor, currency, text) in [
            (350_000, Currency::Cop, "3,500.00 COP"),
            (0, Currency::Cop, "0.00 COP"),
            (-5, Currency::Usd, "-0.05 USD"),
            (100_000_007, Currency::Eur, "1,000,000.07 EUR"),
            (1_005, Currency::Clp, "1,005 CLP"),
            (i64::MIN, Currency::Clp, "-9,223,372,036,854,775,808 CLP"),
        ] {
            assert_eq!(Money::new(amount_minor, currency).to_string(), text);
        }
    }

    #[test]
    fn json_carries_both_the_number_and_the_text() {
        let json = r#"{"amount_minor":350000,"currency":"COP","text":"3,500.00 COP"}"#;
        assert_eq!(serde_json::to_string(&cop(350_000)).unwrap(), json);
        assert_eq!(serde_json::from_str::<Money>(json).unwrap(), cop(350_000));
        let bare = r#"{"currency":"COP","amount_minor":350000}"#;
        assert_eq!(serde_json::from_str::<Money>(bare).unwrap(), cop(350_000));
    }

    #[test]
    fn what_contradicts_itself_or_is_no_whole_number_of_minor_units_is_refused() {
        for json in [
            r#"{"amount_minor":350000,"currency":"COP","text":"3,500 COP"}"#,
            r#"{"amount_minor":1.5,"currency":"COP"}"#,
            r#"{"amount_minor":9223372036854775808,"currency":"COP"}"#,
            r#"{"amount_minor":1,"currency":"cop"}"#,
            r#"{"amount_minor":1,"currency":"XXX"}"#,
            r#"{"amount_minor":1}"#,
            r#"{"amount_minor":1,"currency":"COP","unit":"peso"}"#,
        ] {
            assert!(serde_json::from_str::<Money>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn currencies_do_not_mix() {
        let dollar = Money::new(1, Currency::Usd);
        let mismatch = MoneyError::CurrencyMismatch { left: Currency::Cop, right: Currency::Usd };
        assert_eq!(cop(1).checked_add(dollar), Err(mismatch));
        assert_eq!(cop(1).checked_sub(dollar), Err(mismatch));
        assert_eq!(cop(1).checked_min(dollar), Err(mismatch));
        assert_eq!(Money::sum(Currency::Cop, &[cop(1), dollar]), Err(mismatch));
    }

    #[test]
    fn what_is_too_much_is_an_error_and_never_wraps() {
        assert_eq!(cop(i64::MAX).checked_add(cop(1)), Err(MoneyError::Overflow));
        assert_eq!(cop(i64::MIN).checked_sub(cop(1)), Err(MoneyError::Overflow));
        assert_eq!(cop(i64::MAX).checked_mul(2), Err(MoneyError::Overflow));
        assert_eq!(Money::sum(Currency::Cop, &[]), Ok(cop(0)));
    }

    #[test]
    fn codes_lead_back() {
        for currency in Currency::ALL {
            assert_eq!(Currency::parse(currency.as_str()), Some(*currency));
            assert_eq!(serde_json::to_string(currency).unwrap(), format!("\"{currency}\""));
        }
        assert_eq!(Currency::parse("XAU"), None);
    }

    proptest! {
        #[test]
        fn what_is_added_can_be_taken_away(left in any::<i32>(), right in any::<i32>()) {
            let (left, right) = (cop(left.into()), cop(right.into()));
            prop_assert_eq!(left.checked_add(right).unwrap().checked_sub(right).unwrap(), left);
        }

        #[test]
        fn every_amount_is_read_back_as_written(amount in any::<i64>(), index in 0..Currency::ALL.len()) {
            let money = Money::new(amount, Currency::ALL[index]);
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }

        #[test]
        fn the_text_has_all_digits_of_the_number(amount in any::<i64>()) {
            let digits: String = cop(amount).to_string().chars().filter(char::is_ascii_digit).collect();
            prop_assert_eq!(digits.parse::<u64>().unwrap(), amount.unsigned_abs());
        }
    }
}
