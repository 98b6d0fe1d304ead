DROP TABLE block;
DROP TABLE close_friend;
DROP TABLE follow;
DROP TABLE member;
DROP TABLE person;
DROP TABLE gym;
