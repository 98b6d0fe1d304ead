CREATE TABLE first (x int);
