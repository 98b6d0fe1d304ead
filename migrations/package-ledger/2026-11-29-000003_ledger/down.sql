DROP TABLE receipt;
DROP TABLE waiver;
DROP TABLE payment;
DROP TABLE ledger_transfer;
DROP TABLE ledger_account;
