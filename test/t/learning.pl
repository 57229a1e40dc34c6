# Answers, however they come in, are learned; whatever is wrong with one, its row is kept.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

my $node = start_server('learning', conf => 'autovacuum = off');
my $word = sub { my ($value) = @_; return "CASE WHEN $value THEN 'satisfied' ELSE 'dissatisfied' END" };

sub sql { return $node->safe_psql('postgres', $_[0]); }

# A model and a table that teaches it: columns beyond user_id, x and answer, options of easq_learn, of the model.
sub teach { sql(create(@_)); }
sub create
{
	my ($name, %param) = @_;
	my $answer = $param{type} // 'text';
	my $options = $param{model} ? substr($EasqTest::options, 0, -1) . ", $param{model}}" : $EasqTest::options;

	return "SELECT easq_create_model('$name', '$EasqTest::x', '$options');
		CREATE TABLE $name (id int PRIMARY KEY, user_id int, x float8, answer $answer, note text) " . ($param{partition} // '') . ';'
	  . ($param{before} // '') . ";SET client_min_messages = warning; SELECT easq_learn('$name', '$name', options => '" . ($param{options} // '{}') . "');";
}
my $log = "SELECT string_agg(concat_ws(' ', source, status, answers, reason, detail), ', ' ORDER BY id) FROM easq.steps WHERE model =";
sub log_of { return sql("$log '$_[0]'"); }
# what the statements added to the log of a model
sub adds
{
	my ($name, $statements) = @_;
	return sql("SELECT coalesce(max(id), 0) AS last FROM easq.steps \\gset\n\\o /dev/null\n$statements;\n\\o\n$log '$name' AND id > :last");
}
sub remembered { return sql("SELECT string_agg(answer::text, ' ' ORDER BY ordinal) FROM easq.answer WHERE model = '$_[0]'"); }
sub weights { my ($name, $database) = @_; return $node->safe_psql($database // 'postgres', "SELECT md5(string_agg(data, '' ORDER BY name, chunk)) FROM easq.tensor WHERE model = '$name' AND checkpoint = 0 AND state = 'current' AND part = 'weight'"); }

note 'INSERT, COPY, UPDATE';
{
	teach('one');
	is(adds('one', "INSERT INTO one VALUES (1, 1, 0.5, 'satisfied')"), 'insert skipped 1 no remembered answer differs from it', 'the first answer has nothing to be compared with');
	is(adds('one', "INSERT INTO one VALUES (2, 1, 1.5, 'dissatisfied')"), 'insert applied 1', 'the second has');
	is(adds('one', "INSERT INTO one VALUES (3, 2, 3, 'uncertain'), (4, 2, 4, NULL), (5, 2, 1, 'satisfied'), (6, 2, 2, 'dissatisfied')"), 'insert skipped 1 uncertain answers make no pair, insert applied 2', 'uncertain and NULL make no pair');
	is(adds('one', "INSERT INTO one VALUES (7, 3, 1, NULL)"), '', 'nor NULL a row of the log');
	is(remembered('one'), '1 0 0 1', 'what is remembered, in a drawn order');

	is(adds('one', "UPDATE one SET answer = 'satisfied' WHERE id = 4"), 'update applied 1', 'NULL becomes an answer');
	is(remembered('one'), '1 0 0 1 1', 'remembered');
	my $weights = weights('one');
	is(adds('one', "UPDATE one SET note = 'seen', id = id + 100; UPDATE one SET answer = answer"), '', 'an unrelated UPDATE learns nothing');
	is(adds('one', "UPDATE one SET answer = 'uncertain' WHERE id = 107"), 'update skipped 1 uncertain answers make no pair', 'nor NULL to uncertain, which is counted');
	is(weights('one'), $weights, 'and changes nothing');
	is(adds('one', "UPDATE one SET answer = 'dissatisfied' WHERE id = 101"), 'update applied 1', 'a changed mind is learned');
	is(join(' ', sort split / /, remembered('one')), '0 0 0 1 1', 'in place of what was remembered');
	$weights = weights('one');
	is(adds('one', "UPDATE one SET answer = NULL WHERE id = 101; UPDATE one SET answer = 'uncertain' WHERE id = 102"), 'update skipped 1 uncertain answers make no pair', 'a withdrawn answer is no step');
	is(weights('one'), $weights, 'changes no weight');
	is(join(' ', sort split / /, remembered('one')), '0 1 1', 'and is forgotten');

	is(adds('one', "INSERT INTO one VALUES (105, 9, 9, 'satisfied'), (200, 2, 7, 'dissatisfied')
		ON CONFLICT (id) DO UPDATE SET answer = 'dissatisfied'"), 'update applied 1, insert applied 1', 'ON CONFLICT DO UPDATE: inserted and updated rows both');
	is(adds('one', "INSERT INTO one VALUES (105, 9, 9, 'satisfied') ON CONFLICT DO NOTHING"), '', 'ON CONFLICT DO NOTHING: nothing');
	is(adds('one', 'DELETE FROM one WHERE id = 200; TRUNCATE one'), '', 'DELETE and TRUNCATE: what was learned stays');
	is(adds('one', "WITH i AS (INSERT INTO one VALUES (1, 1, 1, 'satisfied') RETURNING *) INSERT INTO one SELECT 2, 1, 2, 'dissatisfied', note FROM i"),
		'insert applied 2', 'two INSERTs in one statement are learned together');
	SKIP:
	{
		skip 'MERGE came with PostgreSQL 15', 1 if $node->pg_version < 15;
		is(adds('one', "MERGE INTO one USING (VALUES (1, 'dissatisfied'), (3, 'satisfied')) v(id, answer) ON one.id = v.id
			WHEN MATCHED THEN UPDATE SET answer = v.answer WHEN NOT MATCHED THEN INSERT VALUES (v.id, 1, 3, v.answer)"), 'update applied 1, insert applied 1', 'MERGE');
	}
	sql("CREATE FUNCTION improve() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.answer := ''satisfied''; RETURN NEW; END';
		CREATE TRIGGER improve BEFORE INSERT ON one FOR EACH ROW EXECUTE FUNCTION improve()");
	sql("INSERT INTO one VALUES (900, 1, 3, 'dissatisfied')");
	is(sql("SELECT answer FROM easq.answer WHERE model = 'one' ORDER BY ordinal DESC LIMIT 1"), '1', 'what a BEFORE trigger made of a row counts');
	is(sql("SELECT easq_stop_learning('one', 'one')") . adds('one', "INSERT INTO one VALUES (901, 1, 3, 'dissatisfied')"), '', 'easq_stop_learning');
}

note 'COPY';
{
	teach('many');
	my $file = PostgreSQL::Test::Utils::tempdir() . '/answers';
	my $work_mem = "SET work_mem = '64kB';";   # the transition table goes to disk
	sql("COPY (SELECT i, i % 500, sin(i), " . $word->('i * 7 % 10 < 6') . ", NULL FROM generate_series(1, 10000) i) TO '$file'");
	sql("$work_mem COPY many FROM '$file'");
	is(sql("SELECT count(*), sum(answers), max(answers), min(status), max(status), min(reason) FROM easq.steps WHERE model = 'many'"),
		'40|10000|256|applied|applied|', 'COPY of 10,000 answers: each in a pair, at most 256 a step');
	is(sql("SELECT answers, steps, adapter_version FROM easq.models WHERE name = 'many'"), '10000|40|2', 'and one version');
	is(sql("SELECT answer, count(*) BETWEEN 2047 AND 2049, max(ordinal) > 9990 FROM easq.answer WHERE model = 'many' GROUP BY 1 ORDER BY 1"), "0|t|t\n1|t|t", 'replay_answers are remembered, as many of either kind');
	is(sql("SELECT min(ordinal) BETWEEN 4780 AND 4980 FROM easq.answer WHERE model = 'many' AND answer = 0"), 't', 'the latest of each');

	teach('few', model => '"replay_answers": 8, "pairs_per_answer": 2');
	sql("INSERT INTO few SELECT i, i % 5, sin(i), " . $word->('i % 3 = 0') . " FROM generate_series(1, 200) i");
	is(sql("SELECT sum(answers), sum(pairs) >= 100 FROM easq.steps WHERE model = 'few' AND status = 'applied'"), '200|t', 'each in a pair, though only 8 are remembered');
	is(sql("SELECT count(*), count(DISTINCT ordinal) FROM easq.answer WHERE model = 'few'"), '8|8', 'and only 8 are');
	sql("SELECT easq_configure('few', '{\"replay_answers\": 3}')");
	is(sql("SELECT count(*) FROM easq.answer WHERE model = 'few'"), '3', 'fewer after easq_configure');
	is(adds('few', "INSERT INTO few VALUES (1000, 1, 1, 'satisfied'), (1001, 1, 2, 'dissatisfied')"), 'insert applied 2', 'and learning goes on');
}

note 'types of answers';
{
	my %type = (
		text => [ 'text', "'satisfied'", "'dissatisfied'", "'uncertain'" ],
		varchar => [ 'varchar(20)', "'satisfied'", "'dissatisfied'", "'uncertain'" ],
		char => [ 'char(20)', "'satisfied'", "'dissatisfied'", "'uncertain'" ],
		enum => [ 'opinion', "'satisfied'", "'dissatisfied'", "'uncertain'" ],
		domain => [ 'strict_opinion', "'satisfied'", "'dissatisfied'", "'uncertain'" ],
		bool => [ 'bool', 'true', 'false', 'NULL' ],
		smallint => [ 'smallint', '1', '0', 'NULL' ],
		integer => [ 'int', '1', '0', 'NULL' ],
		bigint => [ 'bigint', '1', '0', 'NULL' ],
		numeric => [ 'numeric(6, 3)', '1', '0', 'NULL' ],
		real => [ 'real', '1', '0', 'NULL' ],
		float8 => [ 'float8', '1', '0', 'NULL' ]);

	sql("CREATE TYPE opinion AS ENUM ('uncertain', 'satisfied', 'dissatisfied'); CREATE DOMAIN strict_opinion AS opinion CHECK (VALUE >= 'uncertain')");
	my $script = '';
	for my $name (sort keys %type)
	{
		my ($type, $yes, $no, $unknown) = @{ $type{$name} };
		$script .= create("t_$name", type => $type)
		  . "INSERT INTO t_$name VALUES (1, 1, 0.5, $yes), (2, 1, -0.5, $no), (3, 2, 1, $unknown), (4, 2, 2, $yes), (5, 3, -1, $no), (6, 3, 0, NULL);";
	}
	sql($script);
	is(sql("SELECT count(DISTINCT weights) || ' ' || min(steps) FROM (SELECT md5(string_agg(data, '' ORDER BY t.name, chunk)) AS weights, min(steps) AS steps
		FROM easq.tensor t JOIN easq.models m ON m.name = t.model WHERE part = 'weight' AND model LIKE 't\\_%' GROUP BY model) w"), '1 1', 'the same answers as ' . join(', ', sort keys %type) . ' make the same model');
	teach('stars', type => 'numeric');
	is(adds('stars', 'INSERT INTO stars VALUES (1, 1, 1, 4.5), (2, 1, 2, 4.6), (3, 1, 3, 1), (4, 1, 4, 1e200)'), 'insert applied 4', 'any number where more is better');
	is(adds('stars', "INSERT INTO stars VALUES (5, 1, 1, 'NaN'), (6, 1, 1, 2)"), 'insert skipped 1 what column "answer" holds is not an answer NaN in column "answer" is not an answer, insert applied 1', 'but not NaN');
	for my $type ('date', 'int[]', 'json')
	{
		sql("CREATE TABLE wrong (user_id int, x float8, answer $type)");
		fails_with($node, 'postgres', "SELECT easq_learn('one', 'wrong')", '42804', "an answer of type $type");
		sql('DROP TABLE wrong');
	}
}

note 'rows that cannot be learned from';
{
	teach('lenient', before => "INSERT INTO lenient VALUES (-1, 1, 1, 'satisfied'), (-2, 1, 2, 'dissatisfied')", options => '{"backlog": "remember"}');
	is(adds('lenient', "INSERT INTO lenient VALUES (1, 1, 'NaN', 'satisfied'), (2, 1, 'infinity', 'satisfied'), (3, 1, 1, 'perhaps'), (4, 1, NULL, 'satisfied'), (5, NULL, 3, 'dissatisfied')"),
		'insert skipped 2 feature "x" is not a finite number feature "x" is NaN, not a finite number, insert skipped 1 what column "answer" holds is not an answer "perhaps" in column "answer" is not an answer, insert applied 2',
		'the others are learned');
	is(sql('SELECT count(*) FROM lenient WHERE id > 0'), '5', 'and every row is kept');
	sql('ALTER TABLE lenient RENAME x TO y');
	like(adds('lenient', "INSERT INTO lenient VALUES (6, 1, 1, 'satisfied')"), qr/^insert skipped 1 reading the answers failed \(42703\) feature "x" has no column .*$/, 'a column that was renamed');
	sql('ALTER TABLE lenient RENAME y TO x; ALTER TABLE lenient ALTER x TYPE text');
	like(adds('lenient', "INSERT INTO lenient VALUES (7, 1, '1', 'satisfied')"), qr/^insert skipped 1 reading the answers failed \(42804\) numeric feature "x" cannot read a column of type text$/, 'or has another type');
	sql('ALTER TABLE lenient ALTER x TYPE real USING x::real; ALTER TABLE lenient ADD extra int DEFAULT 7; ALTER TABLE lenient DROP COLUMN note');
	is(adds('lenient', "INSERT INTO lenient VALUES (8, 1, 1, 'satisfied')"), 'insert applied 1', 'columns added and dropped');
	is(adds('lenient', "UPDATE lenient SET answer = 'dissatisfied' WHERE id = 4"), 'update applied 1', 'in old rows too');

	teach('strict', options => '{"strict": true}');
	my @refusals = refusals($node, 'postgres', "INSERT INTO strict VALUES (1, 1, 1, 'satisfied')", "INSERT INTO strict VALUES (2, 1, 1, 'perhaps')",
		"INSERT INTO strict VALUES (3, 1, 'NaN', 'satisfied'), (4, 1, 1, 'dissatisfied')", 'SELECT 1', "INSERT INTO strict VALUES (5, 1, 2, 'dissatisfied')",
		'BEGIN', 'SAVEPOINT a', "INSERT INTO strict VALUES (6, 1, 1, 'perhaps')", 'ROLLBACK TO a', "INSERT INTO strict VALUES (7, 1, 3, 'satisfied')", 'COMMIT');
	like(join(' ', @refusals), qr/^ 22023[^\n]*perhaps.* 22003 .*NaN[^0-9]*22023[^\n]*perhaps/s, 'strict: an error');
	is(join(' ', grep { /^25/ } @refusals), '', 'that leaves the session as any error does');
	is(sql('SELECT string_agg(id::text, $$ $$ ORDER BY id) FROM strict'), '1 5 7', 'and not the rows');
	is(log_of('strict'), 'insert skipped 1 no remembered answer differs from it, insert applied 1, insert applied 1', 'an answer without an opposite is none');
}

note 'what stays an error';
{
	teach('slow', before => "CREATE FUNCTION nap(s text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN IF s = ''sleep'' THEN PERFORM pg_sleep(100); ELSIF s IS NOT NULL THEN RAISE EXCEPTION USING ERRCODE = s; END IF; RETURN true; END'");
	sql("SELECT easq_learn('slow', 'slow', features => 'SELECT * FROM new_rows WHERE nap(note)')");
	sql("INSERT INTO slow VALUES (1, 1, 1, 'satisfied'), (2, 1, 2, 'dissatisfied')");
	my @refusals = refusals($node, 'postgres', "SET statement_timeout = '100ms'", "INSERT INTO slow VALUES (3, 1, 1, 'satisfied', 'sleep')", 'SELECT 1', 'RESET statement_timeout');
	like($refusals[1], qr/^57014/, 'statement_timeout');
	is($refusals[2], '', 'the session goes on');

	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query('SELECT pg_backend_pid();');
	$session->query_until(qr/go/, "\\echo go\nINSERT INTO slow VALUES (3, 1, 1, 'satisfied', 'sleep');\n");
	poll($node, 'postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $pid AND wait_event = 'PgSleep'");
	sql("SELECT pg_cancel_backend($pid)");
	is($session->query('SELECT 2;'), '2', 'cancelled, and usable');
	like($session->{stderr}, qr/canceling statement due to user request/, 'pg_cancel_backend');
	eval { $session->quit };

	for my $state (qw(53100 53200 57014 58030 40001 40P01 55P03))
	{
		like(refused($node, 'postgres', "INSERT INTO slow VALUES (3, 1, 1, 'satisfied', '$state')"), qr/^$state/, "$state stays an error");
	}
	is(sql('SELECT max(id) FROM slow'), '2', 'the rows are not kept');
	for my $state (qw(22012 42501 XX000 P0001 23505 54001 0A000))
	{
		is(adds('slow', "INSERT INTO slow SELECT max(id) + 1, 1, 1, 'satisfied', '$state' FROM slow"), "insert skipped 1 the features query failed ($state) $state", "$state does not");
	}
	is(sql('SELECT max(id) FROM slow'), '9', 'those are');

	sql("CREATE TABLE viewer (id int PRIMARY KEY); INSERT INTO viewer VALUES (1); ALTER TABLE one ADD FOREIGN KEY (user_id) REFERENCES viewer DEFERRABLE INITIALLY DEFERRED NOT VALID;
		SET client_min_messages = warning; SELECT easq_learn('one', 'one')");
	my $weights = weights('one');
	my $before = log_of('one');
	like((refusals($node, 'postgres', 'BEGIN', "INSERT INTO one VALUES (1001, 77, 1, 'dissatisfied')", 'COMMIT'))[2], qr/^23503/, 'a deferred constraint fails at COMMIT');
	is(weights('one') . log_of('one'), $weights . $before, 'what was learned goes too');
	isnt(adds('one', "BEGIN; INSERT INTO one VALUES (1001, 78, 1, 'dissatisfied'); INSERT INTO viewer VALUES (78); COMMIT"), '', 'or stays');
}

note 'keys and features queries';
{
	my $features = 'SELECT n.id, n.user_id, n.answer, f.x FROM new_rows n JOIN film f ON f.film = n.film';
	sql("CREATE TABLE film (film int, x float8); INSERT INTO film SELECT i, i - 5 FROM generate_series(1, 10) i;
		SELECT easq_create_model('keyed', '$EasqTest::x', '$EasqTest::options');
		CREATE TABLE keyed (id date, user_id float8, film int, answer text);
		SET client_min_messages = warning; SELECT easq_learn('keyed', 'keyed', features => '$features', options => '{\"key\": \"id\"}')");
	is(adds('keyed', "INSERT INTO keyed SELECT date '2026-01-01' + i, 1.0 / i, i, " . $word->('i % 2 = 0') . ' FROM generate_series(1, 10) i'), 'insert applied 10', 'features from a join');
	is(adds('keyed', "SET datestyle = 'German'; SET extra_float_digits = -10; INSERT INTO keyed VALUES ('11.1.2026', 1.0 / 3, 1, 'satisfied')"), 'insert applied 1', 'a second answer with a key');
	is(sql("SELECT count(*), count(DISTINCT respondent) FROM easq.answer WHERE model = 'keyed'"), '10|9', 'replaces the first, however the session writes dates and numbers');
	sql("UPDATE film SET x = x + 0.5");
	is(adds('keyed', "UPDATE keyed SET answer = 'dissatisfied' WHERE id = '2026-01-03'"), 'update applied 1', 'a changed answer of changed features');
	is(sql("SELECT count(*) FROM easq.answer WHERE model = 'keyed'"), '10', 'is found by its key');
	is(adds('keyed', "INSERT INTO keyed VALUES ('2026-02-01', 1, 99, 'satisfied')"), 'insert skipped 1 the features query returned no row for it', 'a row that the query leaves out');
	sql("INSERT INTO film SELECT film, x + 0.1 FROM film WHERE film = 3");
	is(adds('keyed', "INSERT INTO keyed VALUES (NULL, 1, 3, 'satisfied'), (NULL, NULL, 3, 'dissatisfied')"), 'insert applied 4', 'or doubles');
	teach('timed', before => 'ALTER TABLE timed ADD at timestamptz', options => '{"key": "at"}');
	sql("SET timezone = 'UTC'; INSERT INTO timed VALUES (1, 1, 1, 'satisfied', NULL, '2026-01-01 12:00'), (2, 1, 2, 'dissatisfied', NULL, '2026-01-01 13:00')");
	sql("SET timezone = 'Asia/Tokyo'; UPDATE timed SET answer = 'dissatisfied' WHERE id = 1");
	is(remembered('timed'), '0 0', 'a key of type timestamptz is the same in every time zone');
	for (['features => $$DELETE FROM film$$', '22023'], ['features => $$SELECT 1; SELECT 2$$', '22023'], ['features => $$SELECT * FROM nowhere$$', '42P01'],
		['features => $$SELECT id, user_id, answer FROM new_rows$$', '42703'], ['features => $$not SQL$$', '42601'], ['answer => $$nothing$$', '42703'], ['respondent => $$nobody$$', '42703'],
		['options => $${"key": "nokey"}$$', '42703'])
	{
		fails_with($node, 'postgres', "SELECT easq_learn('keyed', 'keyed', $_->[0])", $_->[1], "easq_learn: $_->[0]");
	}
}

note 'backlog';
{
	my $rows = "SELECT i, i % 3, sin(i), " . $word->('i % 2 = 0') . ", NULL FROM generate_series(1, 50) i";

	teach('direct');
	sql("INSERT INTO direct $rows");
	teach('learned', before => "INSERT INTO learned $rows", options => '{"backlog": "learn"}');
	is(weights('learned'), weights('direct'), 'backlog learn: as if they had just been written');
	is(remembered('learned'), remembered('direct'), 'remembered alike');
	# Another order, a dropped column before the others, rows from before a column was there.
	sql("SELECT easq_create_model('moved', '$EasqTest::x', '$EasqTest::options');
		CREATE TABLE moved (gone text, id int, pad text, user_id int, answer text);
		INSERT INTO moved SELECT 'gone', i, repeat('pad', i), i % 3, " . $word->('i % 2 = 0') . " FROM generate_series(50, 1, -1) i;
		ALTER TABLE moved DROP COLUMN gone; ALTER TABLE moved ADD x float8; UPDATE moved SET x = sin(id); ALTER TABLE moved DROP COLUMN pad; ALTER TABLE moved ADD young int DEFAULT 5;
		SET client_min_messages = warning; SELECT easq_learn('moved', 'moved', options => '{\"backlog\": \"learn\"}')");
	is(weights('moved'), weights('direct'), 'after columns were dropped and added');
	sql("SELECT easq_create_model('queried', '$EasqTest::x', '$EasqTest::options');
		SET client_min_messages = warning; SELECT easq_learn('queried', 'moved', features => 'SELECT young, user_id, answer, x FROM new_rows', options => '{\"backlog\": \"learn\"}')");
	is(weights('queried'), weights('direct'), 'through a features query');

	teach('reminded', before => "INSERT INTO reminded $rows", options => '{"backlog": "remember"}');
	is(remembered('reminded'), remembered('direct'), 'backlog remember: remembered');
	is(sql("SELECT steps, answers FROM easq.models WHERE name = 'reminded'"), '0|50', 'and not learned');
	is(adds('reminded', "INSERT INTO reminded VALUES (99, 7, 1, 'satisfied')"), 'insert applied 1', 'a partner for whoever comes next');
	fails_with($node, 'postgres', "SELECT easq_learn('reminded', 'reminded', options => '{\"backlog\": \"all\"}')", '22023', 'another backlog is refused');
}

note 'partitions';
{
	teach('parts', partition => 'PARTITION BY RANGE (id)', before => "
		CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
		CREATE TABLE parts_2 (note text, gone int, answer text, x float8, user_id int, id int NOT NULL); ALTER TABLE parts_2 DROP COLUMN gone; ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (10) TO (20);
		CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (20) TO (30) PARTITION BY LIST (id);
		CREATE TABLE parts_3_1 PARTITION OF parts_3 FOR VALUES IN (20, 21);
		INSERT INTO parts VALUES (1, 1, 1, 'satisfied'), (2, 1, 2, 'dissatisfied')", options => '{"backlog": "remember"}');
	is(adds('parts', "INSERT INTO parts VALUES (3, 1, 3, 'satisfied'), (10, 1, 10, 'satisfied'), (20, 1, 20, 'satisfied')"), 'insert applied 3', 'through the parent: one step');
	is(adds('parts', "INSERT INTO parts_1 VALUES (4, 1, 4, 'satisfied')"), 'insert applied 1', 'into a leaf');
	is(adds('parts', "INSERT INTO parts_2 (id, user_id, x, answer) VALUES (11, 1, 11, 'satisfied')"), 'insert applied 1', 'into a leaf of another shape');
	is(adds('parts', "INSERT INTO parts_3 VALUES (21, 1, 21, 'satisfied')"), 'insert applied 1', 'into a partition with partitions');
	is(adds('parts', "UPDATE parts SET answer = 'dissatisfied' WHERE id IN (3, 20)"), 'update applied 2', 'UPDATE of two leaves');
	my $count = sql("SELECT count(*) FROM easq.answer WHERE model = 'parts'");
	is(adds('parts', "UPDATE parts SET id = 12, answer = 'dissatisfied' WHERE id = 4"), 'update applied 1', 'into another leaf with another answer');
	is(sql("SELECT count(*) FROM easq.answer WHERE model = 'parts'"), $count, 'which replaces the old one');
	is(adds('parts', 'UPDATE parts SET id = 13 WHERE id = 12'), '', 'a move alone');
	is(adds('parts', 'UPDATE parts SET id = 5 WHERE id = 13'), '', 'and back');

	sql("CREATE TABLE parts_4 PARTITION OF parts FOR VALUES FROM (30) TO (40);
		CREATE TABLE parts_5 (LIKE parts); ALTER TABLE parts ATTACH PARTITION parts_5 FOR VALUES FROM (40) TO (50)");
	is(adds('parts', "INSERT INTO parts VALUES (30, 1, 30, 'satisfied'), (40, 1, 40, 'satisfied')"), 'insert applied 2', 'new leaves, through the parent');
	is(adds('parts', "INSERT INTO parts_4 VALUES (31, 1, 1, 'satisfied'); INSERT INTO parts_5 VALUES (41, 1, 1, 'satisfied')"), '', 'but not directly');
	sql("SELECT easq_learn('parts', 'parts')");
	is(adds('parts', "INSERT INTO parts_4 VALUES (32, 1, 1, 'satisfied'); INSERT INTO parts_5 VALUES (42, 1, 1, 'satisfied')"), 'insert applied 1, insert applied 1', 'until easq_learn is called again');
	sql('ALTER TABLE parts DETACH PARTITION parts_5');
	is(adds('parts', "INSERT INTO parts_5 VALUES (43, 1, 1, 'satisfied')"), '', 'a detached one learns no more');
	sql("SELECT easq_stop_learning('parts', 'parts')");
	is(sql("SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'parts%' AND tgrelid <> 'parts_5'::regclass AND NOT tgisinternal"), '0', 'easq_stop_learning detaches all leaves');
}

note 'two models of one table';
{
	teach('b');
	sql("SELECT easq_create_model('a', '$EasqTest::x', '$EasqTest::options'); SELECT easq_learn('a', 'b', options => '{\"strict\": false}')");
	sql("INSERT INTO b VALUES (1, 1, 1, 'satisfied'), (2, 1, 2, 'dissatisfied')");
	is(weights('a'), weights('b'), 'both learn the same');
	sql("UPDATE easq.adapter SET backbone_id = gen_random_uuid() WHERE model = 'a'");
	like(adds('a', "INSERT INTO b VALUES (3, 1, 1, 'satisfied'), (4, 1, 2, 'dissatisfied')"), qr/^insert skipped 2 .* failed \(XX001\) .+$/, 'one that cannot');
	is(log_of('b'), 'insert applied 2, insert applied 2', 'does not keep the other from it');
}

note 'models that cannot be read';
{
	my $score = "SELECT easq_score('broken', c) FROM (SELECT 1 AS x) c";
	my $bytes = sub { return "UPDATE easq.tensor SET data = $_[0] WHERE model = 'broken' AND name = '$_[1]'" };
	my $nan = "(SELECT string_agg('\\x0000c07f'::bytea, '') FROM generate_series(1, length(data) / 4))";
	my %damage = (
		'NaN in the backbone' => [ $bytes->($nan, 'backbone.weight'), 'XX001' ],
		'NaN in the adapter' => [ $bytes->($nan, 'main.out.weight'), 'XX001' ],
		'a byte too few' => [ $bytes->('substr(data, 2)', 'lora_A.weight'), 'XX001' ],
		'nothing' => [ $bytes->("''", 'backbone.bias'), 'XX001' ],
		'twice as much' => [ $bytes->('data || data', 'satisfaction.out.bias'), 'XX001' ],
		'a tensor missing' => [ "DELETE FROM easq.tensor WHERE model = 'broken' AND name = 'lora_B.weight'", 'XX001' ],
		'another id' => [ "UPDATE easq.tensor SET id = gen_random_uuid() WHERE model = 'broken' AND name = 'main.out.weight'", 'XX001' ],
		"the backbone's id" => [ "UPDATE easq.tensor SET id = (SELECT backbone_id FROM easq.model WHERE name = 'broken') WHERE model = 'broken' AND name = 'main.out.weight'", 'XX001' ],
		'the adapter of another backbone' => [ "UPDATE easq.adapter SET backbone_id = gen_random_uuid() WHERE model = 'broken'", 'XX001' ],
		'another adapter id' => [ "UPDATE easq.adapter SET id = gen_random_uuid() WHERE model = 'broken'", 'XX001' ],
		'no adapter' => [ "DELETE FROM easq.adapter WHERE model = 'broken'", '42704' ],
		'a format of the future' => [ "UPDATE easq.model SET format = 3 WHERE name = 'broken'", '0A000' ],
		'features that are none' => [ "UPDATE easq.model SET features = '[]' WHERE name = 'broken'", '22023' ],
		'other features' => [ "UPDATE easq.model SET features = '[{\"name\": \"x\", \"kind\": \"vector\", \"dim\": 7}]' WHERE name = 'broken'", 'XX001' ],
		'another shape' => [ "UPDATE easq.model SET options = options || '{\"hidden\": 9}' WHERE name = 'broken'", 'XX001' ],
		'options that are none' => [ "UPDATE easq.model SET options = '{\"hidden\": \"many\"}' WHERE name = 'broken'", '22023' ],
		'a mean too many' => [ "UPDATE easq.model SET mean = '{1,2}' WHERE name = 'broken'", 'XX001' ],
		'a mean that is NULL' => [ "UPDATE easq.model SET mean = '{NULL}' WHERE name = 'broken'", 'XX001' ],
		'a deviation of NaN' => [ "UPDATE easq.model SET deviation = '{NaN}' WHERE name = 'broken'", 'XX001' ]);
	my @kinds = sort keys %damage;

	teach('broken');
	sql("INSERT INTO broken VALUES (1, 1, 1, 'satisfied'), (2, 1, 2, 'dissatisfied')");
	# Each in a new session without the model in its cache, and undone again.
	for my $kind (@kinds)
	{
		my ($damage, $state) = @{ $damage{$kind} };
		my @refusals = refusals($node, 'postgres', 'BEGIN', $damage, 'SAVEPOINT a', $score, 'ROLLBACK TO a', "INSERT INTO broken VALUES (3, 1, 1, 'satisfied')",
			"DO \$\$ DECLARE s record; BEGIN SELECT status, reason INTO s FROM easq.step WHERE model = 'broken' ORDER BY id DESC LIMIT 1; RAISE EXCEPTION '% %', s.status, s.reason; END \$\$", 'ROLLBACK', $score);

		is($refusals[1], '', "$kind: damaged");
		like($refusals[3], qr/^$state/, "$kind: scoring gives $state");
		is($refusals[5], '', "$kind: the row is kept");
		like($refusals[6], qr/skipped .*\($state\)/, "$kind: the step is skipped");
		is($refusals[8], '', "$kind: and all is well when it is undone");
	}
	my ($stdout, $stderr);
	$node->psql('postgres', "BEGIN; $damage{'another id'}[0]; $score", stderr => \$stderr);
	like($stderr, qr/HINT:/, 'with a hint');

	# What only learning reads.
	is((refusals($node, 'postgres', 'BEGIN', "UPDATE easq.tensor SET data = substr(data, 5) WHERE model = 'broken' AND part = 'moments'", "INSERT INTO broken VALUES (3, 1, 1, 'satisfied')", $score,
		"DO \$\$ BEGIN ASSERT (SELECT status = 'skipped' AND reason LIKE '%(XX001)' FROM easq.step ORDER BY id DESC LIMIT 1); END \$\$"))[-1], '', 'a damaged optimiser: skipped');
	is((refusals($node, 'postgres', 'BEGIN', "UPDATE easq.answer SET example = '\\x01' WHERE model = 'broken'", "INSERT INTO broken VALUES (3, 1, 1, 'satisfied')",
		"DO \$\$ BEGIN ASSERT (SELECT status = 'skipped' AND reason LIKE '%do not fit the model%' FROM easq.step ORDER BY id DESC LIMIT 1); END \$\$"))[-1], '', 'damaged answers: nothing fits');
	is((refusals($node, 'postgres', 'BEGIN', "INSERT INTO easq.behaviour VALUES ('broken', '', 0, '\\x', '\\x0102', 0, 0), ('broken', '', 7, 'abc', '', 0, 0)", "INSERT INTO broken VALUES (3, 1, 1, 'satisfied')",
		"DO \$\$ BEGIN ASSERT (SELECT status = 'applied' AND behaviour_pairs = 0 FROM easq.step ORDER BY id DESC LIMIT 1); END \$\$"))[-1], '', 'damaged behaviour pairs: left out');
}

note 'a serial replay';
{
	my @databases = map { new_database($node, $_) } qw(first second);
	my %order = (first => 'i', second => '(i * 7) % 31');
	my $table = "CREATE TABLE q (id int PRIMARY KEY, user_id int, x float8, answer text);";
	my $model = "SELECT easq_create_model('m', '$EasqTest::x', '{\"hidden\": 8, \"seed\": 3, \"pairs_per_answer\": 4, \"replay_answers\": 40}'); SELECT easq_learn('m', 'q', options => '{\"key\": \"id\"}');";
	my %settings = (first => "SET work_mem = '64kB';", second => "SET extra_float_digits = 0; SET timezone = 'Asia/Tokyo'; SET datestyle = 'SQL, DMY'; SET enable_indexscan = off; SET enable_seqscan = off;");
	# The same statements; rows of a statement in another order, and between them what only moves rows.
	my @statements = (
		sub { "INSERT INTO q SELECT i, i % 4, sin(i), " . $word->('i % 3 = 0') . " FROM generate_series(1, 30) i ORDER BY $_[0]" },
		sub { "INSERT INTO q VALUES (31, 1, 0.1, 'satisfied')" },
		sub { "UPDATE q SET answer = 'dissatisfied' WHERE id % 5 = 0" },
		sub { "BEGIN; INSERT INTO q SELECT i, 2, cos(i), 'satisfied' FROM generate_series(32, 37) i ORDER BY $_[0]; ROLLBACK" },
		sub { "UPDATE q SET answer = CASE WHEN id % 2 = 0 THEN 'satisfied' WHEN id = 31 THEN NULL ELSE answer END WHERE id < 8 OR id = 31" },
		sub { "INSERT INTO q SELECT i, i % 5, cos(i), " . $word->('i % 2 = 0') . " FROM generate_series(32, 62) i ORDER BY $_[0]" });
	my %between = (first => sub { 'SELECT 1' },
		second => sub { "CLUSTER q USING q_pkey; VACUUM FULL easq.answer; CLUSTER easq.tensor USING tensor_pkey; VACUUM easq.answer_count; BEGIN; INSERT INTO q VALUES (-1, 1, 1, 'satisfied'); ROLLBACK" });

	for my $database (@databases)
	{
		$node->safe_psql($database, "$table $model");
		$node->safe_psql($database, join ";\n", $settings{$database}, map { ($_->($order{$database}), $between{$database}->()) } @statements);
	}
	is(weights('m', 'second'), weights('m', 'first'), 'the same statements give the same weights, wherever the rows lie');
	my $export = "SELECT md5(easq_export('m')), (SELECT md5(string_agg(a::text, ' ' ORDER BY ordinal)) FROM easq.answer a), (SELECT md5(string_agg(o.data, '' ORDER BY name, chunk)) FROM easq.tensor o WHERE part = 'moments'),
		(SELECT string_agg(concat_ws(' ', source, status, answers, pairs, loss), ', ' ORDER BY id) FROM easq.steps)";
	is($node->safe_psql('second', $export), $node->safe_psql('first', $export), 'and the same export, memory, optimiser and log');
}

$node->stop;
done_testing();
