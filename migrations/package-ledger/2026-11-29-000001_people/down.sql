DROP TABLE operator;
DROP TABLE customer;
