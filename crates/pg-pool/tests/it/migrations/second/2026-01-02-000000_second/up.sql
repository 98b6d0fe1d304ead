CREATE TABLE second (x int);
