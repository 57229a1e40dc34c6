# Hostile input, one thread, no growth: a backend survives whatever it is given.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use EasqTest;

my $node = start_server('safety', conf => "autovacuum = off\nshared_buffers = 16MB");

sub sql { return $node->safe_psql('postgres', $_[0]); }

# Class 22 bad data, 42 bad name or type, 54 too large, 0A not supported, XX001 damaged: never XX000, never a crash.
my $refusal = qr/^(22|42|54|0A|XX001)/;

note 'files';
{
	my $features = '[{"name": "n", "kind": "numeric"}, {"name": "c", "kind": "categorical", "size": 5, "dim": 2}, {"name": "v", "kind": "vector", "dim": 2}]';

	sql("SELECT easq_create_model('m', '$features', '{\"hidden\": 3, \"expert_hidden\": 2, \"rank\": 1, \"experts\": 1, \"satisfaction_experts\": 1}');
		CREATE TABLE mutant (i int, what text, data bytea);
		-- into a model that is there, or a new one: SQLSTATE and message, or the file that comes out
		CREATE FUNCTION try_import(name text, data bytea, base bytea, OUT state text, OUT message text, OUT changed bool, OUT export bytea) LANGUAGE plpgsql AS \$\$
			BEGIN
				BEGIN
					PERFORM easq_import(name, data);
					state := '';
				EXCEPTION WHEN OTHERS THEN
					state := SQLSTATE;
					message := SQLERRM;
				END;
				IF state = '' THEN
					export := easq_export(name);
					IF name = 'm' THEN PERFORM easq_import(name, base); ELSE PERFORM easq_drop_model(name); END IF;
				END IF;
				changed := easq_export('m') IS DISTINCT FROM base OR EXISTS (SELECT FROM easq.model WHERE model.name = 'new');
			END \$\$");
	my $base = unhex(sql("SELECT easq_export('m')"));
	my $length = unpack 'Q<', $base;
	my $header = decode_json(substr $base, 8, $length);
	my $data = substr $base, 8 + $length;
	my @mutants;

	# a repeatable source of draws
	my $seed = 20260121;
	my $draw = sub { $seed = ($seed * 1103515245 + 12345) % 2147483648; return int($seed / 65536) % $_[0] };
	my $mutant = sub { push @mutants, [@_] };
	# a copy of the header to spoil
	my $spoilt = sub { my ($what, $spoil) = @_; my $copy = decode_json(encode_json($header)); my $bytes = $spoil->($copy) // $data; $mutant->($what, write_safetensors($copy, $bytes)) };

	$mutant->("the first $_ bytes", substr $base, 0, $_) for 0 .. 9, map { int(length($base) * $_ / 25) } 1 .. 24;
	$mutant->("the last $_ bytes gone", substr $base, 0, length($base) - $_) for 1 .. 5;
	$mutant->('more bytes', $base . "\0" x $_) for 1, 4, 4096;
	$mutant->('a header of ' . $_, pack('Q<', $_) . substr $base, 8) for 0, 1, 2, $length - 1, $length + 1, $length + 8, 2**31 - 1, 2**31, 2**32, 2**62, ~0, ~0 - 7;
	for my $text ('', '{', '{}', '[]', 'null', '1', '""', '{"a":1}', '{"a":{}}', '{"a":[]}', '{"__metadata__":1}', '{"__metadata__":{"a":1}}', '{"__metadata__":{"a":null}}',
		'[' x 20000, '{"a":' x 20000, "{\"\xff\":1}", "{\"a\\u0000b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", ' ' x 1000, '{"a":1e1000000}', '{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}',
		'{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', 'x' x 100)
	{
		$mutant->('header ' . substr($text, 0, 40), write_safetensors($text, $data));
	}
	for my $name (sort grep { $_ ne '__metadata__' } keys %$header)
	{
		$spoilt->("$name is missing", sub { delete $_[0]{$name}; return });
		$spoilt->("$name is called otherwise", sub { $_[0]{ $name . "'" } = delete $_[0]{$name}; return });
		$spoilt->("$name is $_", sub { $_[0]{$name}{dtype} = 'F16'; return }) for 'F16';
		$spoilt->("$name lies elsewhere", sub { $_ += 4 for @{ $_[0]{$name}{data_offsets} }; return });
		$spoilt->("$name lies backwards", sub { @{ $_[0]{$name}{data_offsets} } = reverse @{ $_[0]{$name}{data_offsets} }; return });
		$spoilt->("$name lies at 0", sub { $_ -= $_[0]{$name}{data_offsets}[0] for reverse @{ $_[0]{$name}{data_offsets} }; return });
		$spoilt->("$name is flat", sub { my $n = 1; $n *= $_ for @{ $_[0]{$name}{shape} }; $_[0]{$name}{shape} = [$n]; return });
		$spoilt->("$name has another dimension", sub { push @{ $_[0]{$name}{shape} }, 1; return });
		for my $size (-1, 0, 1.5, '"2"', 2**31, 2**62, 9223372036854775807, 'x')
		{
			$spoilt->("$name has a dimension of $size", sub { unshift @{ $_[0]{$name}{shape} }, $size; return });
			$spoilt->("$name ends at $size", sub { $_[0]{$name}{data_offsets}[1] = $size; return });
		}
		my $begin = $header->{$name}{data_offsets}[0];
		next if $begin == $header->{$name}{data_offsets}[1];
		for my $bits ("\0\0\xc0\x7f", "\0\0\x80\x7f", "\0\0\x80\xff", "\1\0\x80\x7f", "\xff\xff\xff\xff")
		{
			my $copy = $base;
			substr($copy, 8 + $length + $begin, 4) = $bits;
			$mutant->("$name begins with " . unpack('H*', $bits), $copy);
		}
	}
	$spoilt->('nothing but metadata', sub { %{ $_[0] } = (__metadata__ => $_[0]{__metadata__}); return '' });
	$spoilt->('a tensor too many', sub { $_[0]{extra} = { dtype => 'F32', shape => [1], data_offsets => [ length $data, length($data) + 4 ] }; return $data . "\0\0\0\0" });
	$spoilt->('a thousand tensors too many', sub { $_[0]{"extra$_"} = { dtype => 'F32', shape => [0], data_offsets => [ length $data, length $data ] } for 1 .. 1000; return });
	$spoilt->('two tensors in one place', sub { $_[0]{'main.gate.bias'}{data_offsets} = $_[0]{'main.out.bias'}{data_offsets}; return });
	for my $key (qw(format alpha features options mean deviation trained))
	{
		for my $value ('', 'null', 'nan', 'inf', '-1', '1e999', '1e400', '{}', '[]', '[1,2,3]', '["a"]', '[null]', '[1e400]', '[-1]', '[' x 5000, "\xc3\xa4", '1 ', '0x10', '{"hidden":3}',
			'{"hidden":2000000000}', '{"alpha":"a"}', '[{"name":"c","kind":"categorical","size":1099511627776,"dim":2}]', '[{"name":"v","kind":"vector","dim":2147483647}]')
		{
			$spoilt->("$key $value", sub { $_[0]{__metadata__}{$key} = $value; return });
		}
		$spoilt->("no $key", sub { delete $_[0]{__metadata__}{$key}; return });
	}
	for (1 .. 250)
	{
		my ($copy, $at) = ($base, $draw->($_ % 3 == 0 ? length $base : 8 + $length));
		substr($copy, $at, 1) = chr(ord(substr $copy, $at, 1) ^ 1 << $draw->(8)) if $_ % 2;
		substr($copy, $at, $draw->(9)) = substr $base, $draw->(length $base), $draw->(9) unless $_ % 2;
		$mutant->("draw $_ at $at", $copy);
	}

	sql('INSERT INTO mutant VALUES ' . join ",\n", map { my $what = $mutants[$_][0] =~ s/[^ -~]/?/gr; "($_, \$what\$$what\$what\$, " . hex_literal($mutants[$_][1]) . ')' } 0 .. $#mutants);
	my $scores = "SELECT string_agg(float4send(easq_score('m', t))::text, '') FROM (SELECT 1 AS n, 'a' AS c, ARRAY[1, 2] AS v) t";
	my $before = sql($scores);
	my $pid = '';
	my (@wrong, @infinite, %states, $accepted);

	for my $name (qw(m new))
	{
		my @results = rows_of($node, 'postgres', "SELECT i, state, changed, export, pg_backend_pid(), replace(left(message, 100), '|', '/') FROM mutant, try_import('$name', data, " . hex_literal($base) . ') ORDER BY i');

		is(scalar(@results), scalar(@mutants), scalar(@mutants) . " mutants into $name, and the backend is alive");
		is(scalar(keys %{ { map { $_->[4] => 1 } @results } }), 1, 'the same all the time');
		for (@results)
		{
			my ($i, $state, $changed, $export, undef, $message) = @$_;

			$states{$state}++;
			push @wrong, "$name, $mutants[$i][0]: $state $message" if $changed eq 't' || ($state ne '' && $state !~ $refusal);
			next if $state ne '';
			$accepted++;
			my ($tensors) = parse_safetensors(unhex($export));
			push @infinite, "$name, $mutants[$i][0]" if grep { $_ - $_ != 0 } map { @{ $_->{data} } } values %$tensors;
		}
	}
	is(join("\n", @wrong), '', 'each was refused with an SQLSTATE and left everything as it was, or was accepted');
	is(join("\n", @infinite), '', 'what was accepted is finite');
	is(sql($scores), $before, 'and in the end the model is what it was');
	cmp_ok($accepted, '<', @mutants / 3, 'most were refused');
	note join ', ', map { ($_ || 'accepted') . " $states{$_}" } sort keys %states;
}

note 'definitions';
{
	my $x = '{"name": "x", "kind": "numeric"}';
	my @features = (qw([] {} null 1 "x" true [[]] [1] [null] ["x"] [{}]), '[' x 5000 . ']' x 5000, "[$x, $x]", "[$x, 1]", "[[$x]]",
		map({ "[{\"name\": $_, \"kind\": \"numeric\"}]" } '""', 'null', '1', '[]', '"' . 'n' x 64 . '"', '"' . "\x{c3}\x{a4}" x 32 . '"'),
		map({ "[{\"name\": \"x\", \"kind\": $_}]" } '""', 'null', '"Numeric"', '[]', '"vector"', '"categorical"'),
		map({ "[{\"name\": \"x\", \"kind\": \"vector\", \"dim\": $_}]" } 0, -1, 1.5, '"2"', 'null', 1e9, '1e400', 9223372036854775808, 65537),
		map({ "[{\"name\": \"x\", \"kind\": \"categorical\", \"dim\": 2, \"size\": $_}]" } 0, 1, -1, 1.5, '"2"', 'null', '1e18', '1e400', 9223372036854775807),
		'[{"name": "x", "kind": "categorical", "size": 2147483647, "dim": 1024}]', '[{"name": "x", "kind": "categorical", "size": 9, "dim": 2, "encoding": "Hash"}]',
		'[{"name": "x", "kind": "numeric", "dim": 1}]', '[{"name": "x", "kind": "numeric", "nme": 1}]', '[{"name": "x", "kind": "vector", "dim": 2, "size": 2}]',
		'[' . join(',', map { "{\"name\": \"x$_\", \"kind\": \"numeric\"}" } 1 .. 20000) . ']', '[' . join(',', map { "{\"name\": \"x$_\", \"kind\": \"vector\", \"dim\": 1024}" } 1 .. 200) . ']');
	my @numbers = (-1, 1.5, '"2"', '[]', '{}', 'true', '1e400', '-1e400', 9223372036854775808, '"NaN"', 1e18);
	my @options = (qw([] null 1 "x"), '{"": 1}', '{"Hidden": 1}', '{"hidden": {"hidden": 1}}', '{"hidden": 1000000, "experts": 1000}', '{"rank": 1000000}', '{"alignment": "DPO"}', '{"alignment": 1}', '{"pairwise": ""}', '{"owner": 1}', '{"owner": "nobody"}',
		'{"hidden": 4096, "expert_hidden": 4096, "experts": 64}',
		map { my $name = $_; map { "{\"$name\": $_}" } @numbers } qw(hidden expert_hidden experts satisfaction_experts rank replay_answers pairs_per_answer behaviour_pairs));
	push @options, map { my $name = $_; map { "{\"$name\": $_}" } grep { !/^(1.5|1e18)$/ } @numbers } qw(learning_rate lambda1 beta max_grad_norm anchor);
	my @calls = (map({ "SELECT easq_create_model('h', \$\$$_\$\$)" } @features), map({ "SELECT easq_create_model('h', '[$x]', \$\$$_\$\$)" } @options),
		map({ "SELECT easq_configure('m', \$\$$_\$\$)" } grep { !/hidden|experts|rank/ && $_ ne 'null' } @options),
		map({ "SELECT easq_learn('m', 'mutant', options => \$\$$_\$\$)" } '[]', '1', '{"key": 1}', '{"key": ""}', '{"backlog": 1}', '{"strict": "yes"}', '{"queue": null, "x": 1}'),
		map({ "SELECT easq_create_model($_, '[$x]')" } "''", "repeat('n', 64)", 'NULL'), "SELECT easq_create_model('h', NULL)");
	my @refusals = refusals($node, 'postgres', @calls);
	my @wrong = grep { $refusals[$_] !~ $refusal } 0 .. $#calls;

	is(scalar(@refusals), scalar(@calls), scalar(@calls) . ' hostile definitions, and the backend is alive');
	is(join("\n", map { substr($calls[$_], 0, 200) . ": $refusals[$_]" } grep { !($calls[$_] =~ /easq_create_model.*null\$\$/ && $refusals[$_] eq '') } @wrong), '', 'each was refused');
	is(sql("SELECT count(*) FROM easq.models WHERE name = 'h'"), '0', 'and makes no model');
	is(refused($node, 'postgres', "BEGIN; SELECT easq_create_model(E'a\"b''c\\n', '[{\"name\": \"ä\\\"\\\\n''\", \"kind\": \"numeric\"}]'); SELECT easq_import('copy', easq_export(E'a\"b''c\\n'))"), '', 'strange names are names');
}

note 'rows';
{
	sql("SELECT easq_create_model('r', '[{\"name\": \"n\", \"kind\": \"numeric\"}, {\"name\": \"v\", \"kind\": \"vector\", \"dim\": 2}, {\"name\": \"c\", \"kind\": \"categorical\", \"size\": 9, \"dim\": 2, \"encoding\": \"index\"}]')");
	my $row = sub { my ($n, $v, $c) = @_; return "SELECT easq_score('r', t) FROM (SELECT $n AS n, $v AS v, $c AS c) t" };
	my @bad = (map({ $row->($_, 'ARRAY[1, 2]', 1) } "'NaN'::float8", "'Infinity'::float8", "'NaN'::numeric", "'-Infinity'::real", "'x'::text", "now()", "ARRAY[1]"),
		map({ $row->(1, $_, 1) } 'ARRAY[1]', 'ARRAY[1, 2, 3]', 'ARRAY[1, NULL]', "ARRAY[1, 'NaN'::float8]", "'{}'::real[]", 'ARRAY[[1, 2], [3, 4]]', "'x'::text", 1, 'ARRAY[1e308, 1]'),
		map({ $row->(1, 'ARRAY[1, 2]', $_) } -1, 9, '9223372036854775807', "'1'::text", '1.0', 'ARRAY[1, 9]'),
		map({ "SELECT easq_score('r', $_)" } 'ARRAY[1, 2, 3, 4]', 'ARRAY[1, 2, 3, 4, NULL]', "'{}'::int[]", "ARRAY[1, 2, 3, 4, 'NaN'::float8]", "ARRAY['a', 'b', 'c', 'd', 'e']", 'ARRAY[[1, 2, 3, 4, 5]]::real[][] || ARRAY[[1, 2, 3, 4, 5]]', 'ARRAY[1, 2, 3, 4, 1e39::float8]'),
		"SELECT easq_score('r', ROW(1, 2, 3))", "SELECT easq_score('r', t) FROM (SELECT 1 AS n) t", "SELECT easq_score('r', t) FROM (SELECT 1 AS n, 2 AS n, ARRAY[1, 2] AS v, 1 AS c) t", "SELECT easq_score('nothing', ARRAY[1])", "SELECT easq_score('', ARRAY[1])");
	my @refusals = refusals($node, 'postgres', map { ($_, s/easq_score\((.*), (t|ARRAY.*|ROW.*)\)/easq_satisfaction($1, $2)/r) } @bad);
	is(join("\n", map { "$bad[$_ / 2]: $refusals[$_]" } grep { $refusals[$_] !~ $refusal } 0 .. $#refusals), '', 'bad rows are refused');
	# What a float can hold, a model can score: a number or an error, never infinity or NaN.
	my @large = map { $row->($_, "ARRAY[$_, -$_]::float8[]", 1) } qw(1e30 1e38 3e38 1e39 1e300 -3e38);
	my @results = map { refused($node, 'postgres', $_ =~ s/SELECT easq_score\('r', t\)/SELECT 1 \/ (CASE WHEN easq_score('r', t) - easq_score('r', t) = 0 THEN 1 ELSE 0 END)/r) } @large;
	is(join("\n", grep { $_ ne '' && !/^22003/ } @results), '', 'huge numbers too');
}

note 'memory';
SKIP:
{
	skip 'pg_backend_memory_contexts came with PostgreSQL 14', 8 if $node->pg_version < 14;
	my $used = 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts;';
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	$session->query("CREATE TABLE q (user_id int, x float8, answer text); CREATE TYPE wide AS (pad text, x float8);
		CREATE FUNCTION turn(i int) RETURNS record LANGUAGE plpgsql AS 'BEGIN IF i % 2 = 0 THEN RETURN (''pad'', 1)::wide; END IF; RETURN (SELECT r FROM (SELECT i AS x, ''pad'' AS pad) r); END';
		SELECT easq_create_model('mem', '[{\"name\": \"x\", \"kind\": \"numeric\"}]', '{\"hidden\": 8, \"expert_hidden\": 4}');
		SELECT easq_create_model('cats', '[{\"name\": \"c\", \"kind\": \"categorical\", \"size\": 100, \"dim\": 2}, {\"name\": \"v\", \"kind\": \"vector\", \"dim\": 3}]', '{\"hidden\": 8, \"expert_hidden\": 4}');
		SELECT easq_learn('mem', 'q');
		INSERT INTO q VALUES (1, 1, 'satisfied'), (1, 2, 'dissatisfied');
		CREATE PROCEDURE learn(steps int, commits bool) LANGUAGE plpgsql AS \$\$ BEGIN
			FOR i IN 1..steps LOOP
				INSERT INTO q VALUES (i % 50, sin(i), CASE WHEN i % 3 = 0 THEN 'satisfied' ELSE 'dissatisfied' END);
				PERFORM easq_score('mem', c) FROM (SELECT 1 AS x) c;
				IF commits THEN COMMIT; END IF;
			END LOOP; END \$\$;
		CREATE FUNCTION loop(rows int) RETURNS float8 LANGUAGE plpgsql AS \$\$
			DECLARE r record; s float8 := 0; BEGIN
				SELECT 0.5 AS x INTO r;
				FOR i IN 1..rows LOOP s := s + easq_score('mem', r); END LOOP;
				RETURN s;
			END \$\$;
		CREATE FUNCTION fails(times int) RETURNS int LANGUAGE plpgsql AS \$\$
			DECLARE n int := 0; BEGIN
				FOR i IN 1..times LOOP
					BEGIN PERFORM easq_score('mem', c) FROM (SELECT 'NaN'::float8 AS x) c; EXCEPTION WHEN OTHERS THEN n := n + 1; END;
				END LOOP;
				RETURN n;
			END \$\$");
	my %work = (
		'a) 200,000 rows, easq_score' => "SELECT count(easq_score('mem', c)) FROM (SELECT i AS x FROM generate_series(1, %d) i) c",
		'b) easq_score, text and arrays' => "SELECT count(easq_score('cats', t)) FROM (SELECT 'category ' || i AS c, ARRAY[i, 1, 2]::numeric[] AS v FROM generate_series(1, %d) i) t",
		'c) easq_score of arrays' => "SELECT count(easq_score('cats', ARRAY[i, 1, 2, 3, 4])) FROM generate_series(1, %d) i",
		'd) easq_batch_score' => "SELECT count(s) FROM (SELECT easq_batch_score('cats', t) OVER () AS s FROM (SELECT 'category ' || i AS c, ARRAY[i, 1, 2]::numeric[] AS v FROM generate_series(1, %d) i) t) s",
		'e) easq_batch_score in many partitions' => "SELECT count(s) FROM (SELECT easq_batch_score('mem', c) OVER (PARTITION BY i / 10) AS s FROM (SELECT i, i AS x FROM generate_series(1, %d) i) c) s",
		'f) a loop of one expression' => 'SELECT count(loop(%d))',
		'g) rows of two types in turn' => "SELECT count(easq_score('mem', turn(i))) FROM generate_series(1, %d) i",
		'h) errors' => 'SELECT fails(%d / 20)');
	for my $name (sort keys %work)
	{
		my $run = sub { my $result = $session->query(sprintf $work{$name}, $_[0]); die "$name: $session->{stderr}" if $session->{stderr} =~ /ERROR/; return $result };
		my ($peak) = map { my $pid = $session->query('SELECT pg_backend_pid();'); "/proc/$pid" } 1;
		$run->(2000);
		my $small = $session->query($used);
		my $anonymous = sub { return -r "$peak/status" && slurp_file("$peak/status") =~ /RssAnon:\s+(\d+) kB/ ? $1 : 0 };
		my $before = $anonymous->();
		$run->(200000);
		my ($grown, $resident) = ($session->query($used) - $small, $anonymous->() - $before);
		cmp_ok($grown, '<', 2_000_000, "$name leave nothing behind");
		cmp_ok($resident, '<', 30_000, "and the process stays as it is ($resident kB)");
	}
	$session->query('CALL learn(100, true)');
	my $small = $session->query($used);
	$session->query('CALL learn(1000, true)');
	cmp_ok($session->query($used) - $small, '<', 2_000_000, '1,000 steps, each committed');
	# within one transaction: what its end would hide
	my $within = $session->query("BEGIN; CALL learn(100, false); SELECT sum(total_bytes) FROM pg_backend_memory_contexts;");
	$session->query('CALL learn(1000, false);');
	cmp_ok($session->query($used) - $within, '<', 5_000_000, '1,000 steps in one transaction');
	$session->query('ROLLBACK;');

	# a cache that is too small for what one query uses
	$session->query("SELECT easq_create_model('big' || i, '[{\"name\": \"v\", \"kind\": \"vector\", \"dim\": 700}]', jsonb_build_object('hidden', 512, 'seed', i)) FROM generate_series(1, 4) i;");
	my $cached = "SELECT md5(string_agg(float4send(easq_score('big' || 1 + i %% 4, array_fill(i, ARRAY[700])))::text, ' ' ORDER BY i)) FROM generate_series(1, %d) i;";
	my $large = $session->query(sprintf $cached, 40);
	$session->query("SET easq.cache_size = '1MB';");
	is($session->query(sprintf $cached, 40), $large, 'a small cache changes nothing');
	$small = $session->query($used);
	$session->query(sprintf $cached, 200);
	cmp_ok($session->query($used) - $small, '<', 5_000_000, 'and keeps to its size');

  SKIP:
	{
		my $tasks = '/proc/' . $session->query('SELECT pg_backend_pid();') . '/task';
		skip 'no /proc', 1 unless -d $tasks;
		is(scalar(() = glob "$tasks/*"), 1, 'a backend that has scored and learned has one thread');
	}
	$session->quit;
}

is(sql('SELECT 1'), '1', 'the server is alive');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP|server process/, 'nothing crashed');
$node->stop;
done_testing();
