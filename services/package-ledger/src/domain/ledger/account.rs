//! The accounts of the books.

use std::fmt;

use uuid::Uuid;

use super::super::named::named;

named! {
    /// What an account is, which decides on which side it grows.
    AccountKind {
        /// What the desk has, or is owed.
        Asset = "asset",
        /// What the desk owes.
        Liability = "liability",
        /// What it earns.
        Revenue = "revenue",
        /// What it spends, or forgoes.
        Expense = "expense",
    }
}

/// One side of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The left one.
    Debit,
    /// The right one.
    Credit,
}

impl AccountKind {
    /// The side on which such an account grows.
    pub(crate) fn normal_side(self) -> Side {
        match self {
            Self::Asset | Self::Expense => Side::Debit,
            Self::Liability | Self::Revenue => Side::Credit,
        }
    }
}

const CUSTOMER: &str = "customer/";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Account {
    Customer(Uuid),
    House(&'static str, AccountKind),
}

const UNIDENTIFIED: Account = Account::House("unidentified", AccountKind::Asset);
const CASH: Account = Account::House("cash", AccountKind::Asset);
const BANK: Account = Account::House("bank", AccountKind::Asset);
const REVENUE_BASE: Account = Account::House("revenue/base", AccountKind::Revenue);
const REVENUE_STORAGE: Account = Account::House("revenue/storage", AccountKind::Revenue);
const WAIVERS: Account = Account::House("waivers", AccountKind::Expense);
const WRITE_OFFS: Account = Account::House("write_offs", AccountKind::Expense);
const CLAIMS: Account = Account::House("claims", AccountKind::Expense);
const LIABILITY_CLAIMS: Account = Account::House("liability/claims", AccountKind::Liability);

/// The name of an account that there can be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AccountCode(Account);

impl AccountCode {
    /// Every account but those of customers.
    pub(crate) const HOUSE: [Self; 9] = [
        Self(UNIDENTIFIED),
        Self(CASH),
        Self(BANK),
        Self(REVENUE_BASE),
        Self(REVENUE_STORAGE),
        Self(WAIVERS),
        Self(WRITE_OFFS),
        Self(CLAIMS),
        Self(LIABILITY_CLAIMS),
    ];

    /// What a customer owes.
    pub(crate) fn customer(id: Uuid) -> Self {
        Self(Account::Customer(id))
    }

    /// What is owed for packages of which nobody knows whose they are.
    pub(crate) fn unidentified() -> Self {
        Self(UNIDENTIFIED)
    }

    /// Money at the desk.
    pub(crate) fn cash() -> Self {
        Self(CASH)
    }

    /// Money at the bank.
    pub(crate) fn bank() -> Self {
        Self(BANK)
    }

    /// Earned by handling.
    pub(crate) fn revenue_base() -> Self {
        Self(REVENUE_BASE)
    }

    /// Earned by storage.
    pub(crate) fn revenue_storage() -> Self {
        Self(REVENUE_STORAGE)
    }

    /// Forgone by decision.
    pub(crate) fn waivers() -> Self {
        Self(WAIVERS)
    }

    /// Not expected any more.
    pub(crate) fn write_offs() -> Self {
        Self(WRITE_OFFS)
    }

    /// Spent on what was lost or damaged.
    pub(crate) fn claims() -> Self {
        Self(CLAIMS)
    }

    /// Owed for what was lost or damaged.
    pub(crate) fn liability_claims() -> Self {
        Self(LIABILITY_CLAIMS)
    }

    /// The account of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let customer =
            name.strip_prefix(CUSTOMER).and_then(|id| Uuid::parse_str(id).ok()).map(Self::customer);
        // An id can be spelled in more ways than an account has names.
        customer.into_iter().chain(Self::HOUSE).find(|code| code.to_string() == name)
    }

    /// What it is.
    pub(crate) fn kind(&self) -> AccountKind {
        match self.0 {
            Account::Customer(_) => AccountKind::Asset,
            Account::House(_, kind) => kind,
        }
    }

    /// Whether it holds what is owed for packages.
    pub(crate) fn is_receivable(&self) -> bool {
        matches!(self.0, Account::Customer(_)) || self.0 == UNIDENTIFIED
    }
}

impl fmt::Display for AccountCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Account::Customer(id) => write!(formatter, "{CUSTOMER}{id}"),
            Account::House(name, _) => formatter.write_str(name),
        }
    }
}
