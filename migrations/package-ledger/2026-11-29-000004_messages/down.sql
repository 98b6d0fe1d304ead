DROP TABLE claim;
DROP TABLE notification;
DROP TABLE deadline;
