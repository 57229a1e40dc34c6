-- What every file of test/sql begins with: easq, and the tools below, in a schema that the file drops at its end.
-- Everything that a test makes lands in that schema too.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS easq;
DROP SCHEMA IF EXISTS regress CASCADE;
CREATE SCHEMA regress;
SET search_path = regress, public;
RESET client_min_messages;
-- Narrow results; those of void functions go to /dev/null.
\pset format unaligned
\pset footer off
\pset null NULL

-- How a statement fails, in one line: SQLSTATE, message, detail, hint.
CREATE FUNCTION fails(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    code text;
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'IT DOES NOT FAIL';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', code, message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- A digest of all that easq stores, to see that nothing has changed.
CREATE FUNCTION state() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    digest text := '';
    one text;
    name text;
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'easq'::regnamespace AND relkind = 'r' ORDER BY 1 LOOP
        EXECUTE format('SELECT md5(string_agg(t::text, '','' ORDER BY t::text)) FROM easq.%I t', name) INTO one;
        digest := md5(digest || name || coalesce(one, ''));
    END LOOP;
    RETURN digest;
END $$;

-- Two scores are the same: last bits differ between processors, and between one row and a block of them.
CREATE FUNCTION same(a real, b real) RETURNS bool LANGUAGE sql IMMUTABLE AS
$$ SELECT abs(a::float8 - b) <= 1e-5 * abs(b::float8) + 1e-6 $$;

-- Safetensors files: 8 bytes of header length, header, data.
CREATE FUNCTION flip(bytes bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT string_agg(substr(bytes, i, 1), '' ORDER BY i DESC) FROM generate_series(1, length(bytes)) i $$;
CREATE FUNCTION file(header text, data bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT regress.flip(int8send(length(convert_to(header, 'UTF8')))) || convert_to(header, 'UTF8') || data $$;
CREATE FUNCTION header_length(file bytea) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT get_byte(file, 0) + 256 * get_byte(file, 1) + 65536 * get_byte(file, 2) $$;
CREATE FUNCTION header(file bytea) RETURNS jsonb LANGUAGE sql IMMUTABLE AS
$$ SELECT convert_from(substr(file, 9, regress.header_length(file)), 'UTF8')::jsonb $$;
CREATE FUNCTION data(file bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT substr(file, 9 + regress.header_length(file)) $$;
CREATE FUNCTION floats(numbers real[]) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT string_agg(regress.flip(float4send(n)), '' ORDER BY i) FROM unnest(numbers) WITH ORDINALITY u (n, i) $$;
CREATE FUNCTION tensor(file bytea, name text) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT substr(regress.data(file), 1 + (o->>0)::int, (o->>1)::int - (o->>0)::int) FROM (SELECT regress.header(file)->name->'data_offsets') t (o) $$;
-- The file with other numbers in one tensor, from its first on.
CREATE FUNCTION with_numbers(file bytea, tensor text, numbers real[]) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT overlay(file PLACING regress.floats(numbers)
                  FROM 9 + regress.header_length(file) + (regress.header(file) #>> ARRAY[tensor, 'data_offsets', '0'])::int) $$;
-- The file with another header.
CREATE FUNCTION with_header(file bytea, header jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$ SELECT regress.file(header::text, regress.data(file)) $$;
