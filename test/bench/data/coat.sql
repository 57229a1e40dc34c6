-- Coat shopping, from the folder :dir.
-- The one-hot columns are read as one array each.
CREATE TABLE raw (line text);
\set load '\\copy raw FROM ''' :dir '/items.csv'' (FORMAT csv, HEADER, DELIMITER E''\\x01'')'
:load
CREATE TABLE coat AS
SELECT split_part(line, ',', 1)::int AS item_id, (string_to_array(line, ',')::real[])[2:] AS looks FROM raw;
TRUNCATE raw;
\set load '\\copy raw FROM ''' :dir '/users.csv'' (FORMAT csv, HEADER, DELIMITER E''\\x01'')'
:load
CREATE TABLE shopper AS
SELECT split_part(line, ',', 1)::int AS user_id, (string_to_array(line, ',')::real[])[2:] AS person FROM raw;
CREATE TABLE chosen (user_id int, item_id int, rating int, PRIMARY KEY (user_id, item_id));
CREATE TABLE drawn (user_id int, item_id int, rating int, PRIMARY KEY (user_id, item_id));
\set load '\\copy chosen FROM ''' :dir '/ratings_train.csv'' (FORMAT csv, HEADER)'
:load
\set load '\\copy drawn FROM ''' :dir '/ratings_test.csv'' (FORMAT csv, HEADER)'
:load
ANALYZE coat, shopper, chosen, drawn;

-- What a model of it is made of.
CREATE FUNCTION coat_features() RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$ SELECT '[
  {"name": "shopper", "kind": "categorical", "encoding": "index", "size": 300, "dim": 8},
  {"name": "coat", "kind": "categorical", "encoding": "index", "size": 300, "dim": 8},
  {"name": "person", "kind": "vector", "dim": 14},
  {"name": "looks", "kind": "vector", "dim": 33}]'::jsonb $$;
