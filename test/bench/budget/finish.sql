-- The end of each part: its checks, and an error where one failed.
\pset tuples_only on
\pset format unaligned
SELECT CASE WHEN held THEN 'held: ' ELSE 'NOT HELD: ' END || what FROM check_ ORDER BY id;
SELECT coalesce(bool_and(held), false) AS all_held FROM check_ \gset
\if :all_held
\else
DO $$ BEGIN RAISE EXCEPTION 'not all of it is held'; END $$;
\endif
