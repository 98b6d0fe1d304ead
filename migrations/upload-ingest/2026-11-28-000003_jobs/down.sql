DROP TABLE job_attempt;
DROP TABLE job;
