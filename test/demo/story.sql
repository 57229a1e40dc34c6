CREATE EXTENSION easq;
SELECT * FROM easq.models;
