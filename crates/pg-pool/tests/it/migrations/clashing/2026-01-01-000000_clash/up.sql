CREATE TABLE clash (x int);
