DROP TABLE feed_event;
DROP TABLE feed_clock;
